"""Whether VASA-1 learns, from nothing, on talking cartoons: its face space, and then to speak.

    python -m benchmarks.learn_vasa -o RUNS                 # as long as the preset says
    python -m benchmarks.learn_vasa -o RUNS --scale 0.01    # a try of minutes

Trains tiny-vasa1: a pose net, MegaPortraits with VASA-1's l_consist, a motion transformer on the
frozen codec's motion; and the codec again without l_consist. All is read from pictures of people
and utterances that no training saw. Correlations of the codec are over the frames of all takes, of
the speech the mean over takes. A run that was stopped goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.learn_latentsync import Plan
from benchmarks.read_vasa import (
    controlled,
    follow,
    follow_untrained,
    identified,
    moved,
    sheet,
    swapped,
)
from lipkit import config as settings
from lipkit.models.vasa.codecs.megaportraits.codec import MegaPortraitsCodec
from lipkit.models.vasa.vasa1 import stages
from lipkit.models.vasa.vasa1.config import Vasa1Config
from lipkit.models.vasa.vasa1.model import Vasa1, build
from lipkit.training.pictures import write_png
from lipkit.training.toys.takes import Toys, parse

PRESET = "tiny-vasa1"
DATA = "toy:people=300,takes=300,seconds=2,held_out=24"
LAMBDAS = (0.0, 0.5, 2.0)  # of the guidance by the sound
GAZES, DISTANCES = (-14.0, 0.0, 14.0), (-0.12, 0.0, 0.12)  # that are asked for


class Report:
    """What was measured, kept in a file so that nothing is measured twice, and printed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, float]] = {}
        if path.is_file():
            self.rows = json.loads(path.read_text())

    def row(self, name: str, measure: Callable[..., dict[str, float]], *given: Any) -> None:
        """Measure what is not known yet, by what is ``given``, and print it."""
        if name not in self.rows:
            with torch.inference_mode():
                self.rows[name] = measure(*given)
            self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
        found = "  ".join(f"{key} {value:.3f}" for key, value in self.rows[name].items())
        print(f"{name:<34}{found}", flush=True)


def configured(*, consistent: bool = True) -> Vasa1Config:
    """The tiny preset's settings, with l_consist or without."""
    config = settings.resolve(Vasa1Config, preset=settings.load_preset(PRESET).tables)
    base = config.train.base
    if not consistent:
        base = replace(base, loss=replace(base.loss, consistency=0.0))
    return replace(config, train=replace(config.train, base=base))


def fresh(config: Vasa1Config) -> Vasa1:
    """A model that knows nothing, always the same."""
    torch.manual_seed(0)
    return build(config.model)


def run(plan: Plan, folder: str, model: Vasa1, name: str, config: Vasa1Config) -> None:
    """Train one stage in a folder of its own."""
    build_stage: Any = getattr(stages, name)
    stage = build_stage(model, config, plan.data, 0)
    plan.run(folder, model, stage, getattr(config.train, name))


def faces(report: Report, name: str, model: Vasa1, takes: list[Any]) -> None:
    """The rows of one codec: the same person, another person, codes that are swapped."""
    codec = MegaPortraitsCodec(model)
    others = takes[1:] + takes[:1]
    report.row(f"{name}: self", moved, codec, takes, takes)
    report.row(f"{name}: cross", moved, codec, others, takes)
    report.row(f"{name}: identity", identified, codec, others, takes)
    report.row(f"{name}: swapped codes", swapped, codec, takes)


def speech(report: Report, model: Vasa1, config: Vasa1Config, takes: list[Any]) -> None:
    """The rows of the generator: whose sound it follows, and how it minds what is asked for."""
    for weight in LAMBDAS:
        sampling = replace(config.sampling, guidance=weight)
        report.row(f"speech, lambda {weight:g}", follow, model, sampling, takes)
    few = takes[: max(2, len(takes) // 2)]
    for angle in GAZES:
        asked = replace(config.controls, gaze=(angle, 0.0))
        report.row(f"gaze {angle:+g}", controlled, model, config.sampling, asked, few, "gaze_x")
    for distance in DISTANCES:
        asked = replace(config.controls, distance=distance)
        given = (model, config.sampling, asked, few, "scale")
        report.row(f"distance {distance:+g}", controlled, *given)


def main() -> None:
    """Train all, print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the preset's steps")
    parser.add_argument("--takes", type=int, default=12, help="held-out takes that are drawn")
    given = parser.parse_args()
    device = torch.accelerator.current_accelerator() or torch.device("cpu")
    plan = Plan(given.output, Toys(parse(given.data)), given.scale, device)
    given.output.mkdir(parents=True, exist_ok=True)
    report, takes = Report(given.output / "report.json"), list(plan.data.held_out[: given.takes])
    config = configured()
    model = fresh(config)
    run(plan, "pose", model, "pose", config)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run(plan, "codec", model, "codec", config)
    faces(report, "untrained", fresh(config).to(device).eval(), takes[:3])
    faces(report, "codec", model, takes)
    report.row("generator, untrained", follow_untrained, model, config.sampling, takes[:4])
    run(plan, "generator", model, "generator", config)
    speech(report, model, config, takes)
    write_png(given.output / "learn_vasa.png", sheet(model, config, takes))
    plain = configured(consistent=False)
    model.load_state_dict(start)
    run(plan, "codec-without-consistency", model, "codec", plain)
    faces(report, "without l_consist", model, takes)


if __name__ == "__main__":
    main()
