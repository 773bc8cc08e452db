"""Whether LatentSync learns to speak, from nothing, on talking cartoons.

    python -m benchmarks.learn_latentsync -o RUNS

Trains a SyncNet, an autoencoder, the first stage, and the second stage twice: with the SyncNet's
loss and without. Prints, on people and utterances that no training saw, the SyncNet's accuracy and
how the opening of the drawn mouth agrees with the true one, for the right sound and for that of
another take; a network that copies what it sees instead of listening is caught by the latter.

Only pixels well inside the hole are read, because the rest is filmed. The hole of these presets is
the whole lower half of the face: the official one shows the chin of a cartoon, from which even a
deaf network can tell the mouth. What it is given of the mouth is the reference: at inference, as
in the official code, the very frames whose mouth it is to replace.

A run that was stopped goes on where it stopped. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.latentsync_exam import Exam, show
from lipkit import config as settings
from lipkit.models.latentsync import stages
from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.latentsync.expert.stages import pairs
from lipkit.models.latentsync.hearing import hearing
from lipkit.models.latentsync.model import LatentSync, build
from lipkit.models.parts import checkpoint, vae
from lipkit.training.config import StageConfig
from lipkit.training.loop import train
from lipkit.training.toys.takes import Toys, parse

DATA = "toy:size=48,people=256,takes=256,held_out=40"
SEEN, BARE = "true pictures", "untrained"
WITH, WITHOUT = "stage 2 with the SyncNet", "stage 2 without it"


@dataclass(frozen=True)
class Plan:
    """Where runs lie, on what they train, on which share of the presets' steps."""

    folder: Path
    data: Toys
    scale: float
    device: torch.device

    def shortened(self, stage: StageConfig) -> StageConfig:
        """The stage with the plan's share of its steps."""
        return replace(stage, steps=max(2, round(stage.steps * self.scale)))

    def run(self, name: str, model: Any, stage: Any, config: StageConfig) -> None:
        """Train a stage in a folder of its own, or go on with it; the model holds what it found."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        model.to(self.device)
        with (folder / "scores.jsonl").open("a") as file:
            began = time.process_time()

            def note(progress: Any) -> None:
                nonlocal began
                row = {"step": progress.step, **progress.terms, **progress.scores}
                began, spent = time.process_time(), time.process_time() - began
                file.write(json.dumps({**row, "seconds": round(spent, 1)}) + "\n")
                file.flush()

            train(model, stage, self.shortened(config), folder, resume=True, report=note)
        model.eval()

    def seconds(self) -> float:
        """What all trainings took so far."""
        rows = [
            json.loads(line)
            for file in self.folder.glob("*/scores.jsonl")
            for line in file.read_text().splitlines()
        ]
        return float(sum(row.get("seconds", 0.0) for row in rows))


def train_syncnet(plan: Plan) -> tuple[Path, float]:
    """The SyncNet's file, and its accuracy on people never seen."""
    config = settings.resolve(ExpertConfig, preset=settings.load_preset("toy-syncnet").tables)
    torch.manual_seed(0)
    model = experts.build(config.model)
    stage = pairs(model, config, plan.data, 0)
    plan.run("syncnet", model, stage, config.train.pairs)
    path = plan.folder / "syncnet" / "weights.safetensors"
    table = settings.as_tables(config.model)
    checkpoint.save(model, path, name="syncnet", config=table, origin={"family": "syncnet"})
    with torch.inference_mode():
        return path, stage.validate(model)["accuracy"]


def configured(syncnet: Path, *, with_sync: bool = True) -> LatentSyncConfig:
    """The preset's settings with a SyncNet, whose loss counts or not."""
    preset = settings.load_preset("toy-latentsync").tables
    config = settings.resolve(LatentSyncConfig, preset=preset)
    loss = config.train.loss2 if with_sync else replace(config.train.loss2, sync=0.0)
    return replace(config, train=replace(config.train, syncnet=str(syncnet), loss2=loss))


def train_faces(plan: Plan, config: LatentSyncConfig) -> tuple[LatentSync, LatentSync]:
    """The model after its first stage, and one that learned nothing but its autoencoder."""
    torch.manual_seed(0)
    model, bare = build(config.model), build(config.model)
    own = stages.autoencoder(model, config, plan.data, 0)
    plan.run("autoencoder", model, own, config.train.autoencoder)
    bare.to(plan.device).eval()
    vae.of(bare).load_state_dict(vae.of(model).state_dict())
    plan.run("hearing", model, hearing(model, config, plan.data, 0), config.train.hearing)
    first = stages.stage1(model, config, plan.data, 0)
    plan.run("stage1", model, first, config.train.stage1)
    return model, bare


def examined(plan: Plan, syncnet: Path, count: int) -> tuple[dict[str, Any], Exam]:
    """The correlations after each training, and the pictures."""
    config = configured(syncnet)
    model, bare = train_faces(plan, config)
    exam = Exam(config, list(plan.data.held_out[:count]), plan.folder / "exam")
    found = {SEEN: exam.agreement(None, SEEN), BARE: exam.agreement(bare, BARE)}
    found["stage 1"] = exam.agreement(model, "stage 1")
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, with_sync in ((WITH, True), (WITHOUT, False)):
        config = configured(syncnet, with_sync=with_sync)
        model.load_state_dict(start)
        stage = stages.stage2(model, config, plan.data, 0)
        plan.run("stage2" if with_sync else "stage2-deaf", model, stage, config.train.stage2)
        found[name] = exam.agreement(model, name)
        print(show(found), flush=True)
    return found, exam


def main() -> None:
    """Train all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the presets' steps")
    parser.add_argument("--takes", type=int, default=12, help="held-out takes that are drawn")
    given = parser.parse_args()
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    plan = Plan(given.output, Toys(parse(given.data)), given.scale, device)
    syncnet, accuracy = train_syncnet(plan)
    print(f"SyncNet accuracy, held out: {100 * accuracy:.1f} %", flush=True)
    found, exam = examined(plan, syncnet, given.takes)
    exam.picture((WITH, WITHOUT)).save(given.output / "sheet.png", optimize=True)
    result = {"accuracy": accuracy, "seconds": plan.seconds(), "agreement": found}
    (given.output / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"trained in {plan.seconds():.0f} s of {device}")


if __name__ == "__main__":
    main()
