"""Whether LatentSync learns to speak, from nothing, on talking cartoons.

    python -m benchmarks.learn_latentsync -o RUNS                 # as long as the presets say
    python -m benchmarks.learn_latentsync -o RUNS --scale 0.01    # a try of minutes

Trains a SyncNet, an autoencoder, the first stage, and the second stage twice: with the SyncNet's
loss and without. Prints, on people and utterances that no training saw, the SyncNet's accuracy and
the correlation of the drawn mouth's opening with what is heard, for the right sound and for that of
another take; with the latter, also with what the pictures showed before, which is the shortcut.
The chin below the drawn hole also tells of the mouth, so a network that draws nothing yet follows
what was seen: read the column of the swapped sound first.
A run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lipkit import config as settings
from lipkit.faces.latentsync_pixels import fixed_mask
from lipkit.faces.masks import feathered
from lipkit.faces.templates import matrices
from lipkit.faces.warping import paste, warp
from lipkit.models.latentsync import stages
from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.editing import windows_of
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.latentsync.expert.stages import pairs
from lipkit.models.latentsync.material import heard_of, pixels
from lipkit.models.latentsync.model import LatentSync, build
from lipkit.models.latentsync.pipeline import LatentSyncer
from lipkit.models.parts import checkpoint, vae
from lipkit.training.config import StageConfig
from lipkit.training.loop import train
from lipkit.training.toys.dubbing import Dubbed, agreement, dubbed
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.reading import read
from lipkit.training.toys.takes import Toys, parse

FEATHER = 2.5  # pixels


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
        said = folder / "scores.jsonl"
        with said.open("a") as file:

            def note(progress: Any) -> None:
                row = {"step": progress.step, **progress.terms, **progress.scores}
                file.write(json.dumps(row) + "\n")
                file.flush()

            train(model, stage, self.shortened(config), folder, resume=True, report=note)
        model.eval()


def train_syncnet(plan: Plan) -> tuple[Path, float]:
    """The SyncNet's file, and its accuracy on people never seen."""
    config = settings.resolve(ExpertConfig, preset=settings.load_preset("tiny-syncnet").tables)
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
    """The tiny preset's settings with a SyncNet, whose loss counts or not."""
    preset = settings.load_preset("tiny-latentsync").tables
    config = settings.resolve(LatentSyncConfig, preset=preset)
    loss = config.train.loss2 if with_sync else replace(config.train.loss2, sync=0.0)
    return replace(config, train=replace(config.train, syncnet=str(syncnet), loss2=loss))


def train_faces(plan: Plan, config: LatentSyncConfig) -> LatentSync:
    """The model after its autoencoder's and its first stage."""
    torch.manual_seed(0)
    model = build(config.model)
    own = stages.autoencoder(model, config, plan.data, 0)
    plan.run("autoencoder", model, own, config.train.autoencoder)
    first = stages.stage1(model, config, plan.data, 0)
    plan.run("stage1", model, first, config.train.stage1)
    return model


@torch.inference_mode()
def mouths(model: LatentSync, takes: list[Dubbed], config: LatentSyncConfig) -> list[Any]:
    """Tracks ``(f,)`` of the drawn mouth's opening, read from the drawn pictures."""
    form, found = config.model, []
    syncer = LatentSyncer(model.unet, vae.of(model), form)
    side, device = form.resolution, model.unet.device
    hole = feathered((fixed_mask(form.mask, side) < 128).astype(np.float32), FEATHER)
    sampling = replace(config.sampling, guidance=1.0)
    for take in takes:
        count = len(take) // form.window * form.window
        frames = take.pictures(0, count)
        size = (frames.shape[2], frames.shape[1])
        place = matrices("latentsync", take.points[:count], take.scheme, side, frame_size=size)
        crops = np.stack([warp(p, m, (side, side)) for p, m in zip(frames, place, strict=True)])
        given = pixels(torch.from_numpy(crops).movedim(-1, 1)).to(device)
        voice = windows_of(heard_of(take, form.encoder), form, 0, count)
        noise = torch.Generator().manual_seed(0)
        made = torch.cat(list(syncer.sync([given], voice, sampling, noise))).cpu()
        faces = ((made + 1) * 127.5).clamp(0, 255).movedim(1, -1).numpy()
        whole = [paste(*row, hole) for row in zip(frames, faces, place, strict=True)]
        found.append(read(np.stack(whole), take.seen.who)["aperture"])
    return found


def follow(model: LatentSync, plan: Plan, config: LatentSyncConfig, count: int) -> dict[str, float]:
    """Correlations of the drawn mouth with what is heard and with what was seen."""
    takes = list(plan.data.held_out[:count])
    k = INDEX["aperture"]
    right = mouths(model, [Dubbed(take, take) for take in takes], config)
    swapped = dubbed(takes)
    wrong = mouths(model, swapped, config)
    spoken = [row.motion[: len(m), k] for row, m in zip(takes, right, strict=True)]
    heard = [row.heard.motion[: len(m), k] for row, m in zip(swapped, wrong, strict=True)]
    return {
        "right": agreement(right, spoken),
        "swapped, heard": agreement(wrong, heard),
        "swapped, seen": agreement(wrong, spoken),
    }


def main() -> None:
    """Train all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", default="toy:size=96,people=200,takes=400,held_out=40")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the presets' steps")
    parser.add_argument("--takes", type=int, default=20, help="held-out takes that are drawn")
    given = parser.parse_args()
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    plan = Plan(given.output, Toys(parse(given.data)), given.scale, device)
    syncnet, accuracy = train_syncnet(plan)
    print(f"SyncNet accuracy, held out: {100 * accuracy:.1f} %")
    config = configured(syncnet)
    model = train_faces(plan, config)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    print(f"{'stage':<30}{'right':>10}{'swapped, heard':>16}{'swapped, seen':>16}")
    for name, with_sync in (("stage2 with SyncNet's loss", True), ("stage2 without", False)):
        config = configured(syncnet, with_sync=with_sync)
        model.load_state_dict(start)
        stage = stages.stage2(model, config, plan.data, 0)
        plan.run(name.replace(" ", "-").replace("'", ""), model, stage, config.train.stage2)
        r = follow(model, plan, config, given.takes)
        row = "".join(f"{r[key]:>{w}.3f}" for key, w in zip(r, (10, 16, 16), strict=True))
        print(f"{name:<30}{row}")


if __name__ == "__main__":
    main()
