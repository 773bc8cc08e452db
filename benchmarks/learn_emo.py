"""Whether EMO learns to speak, from nothing, on talking cartoons.

    python -m benchmarks.learn_emo -o RUN

Trains `tiny-emo` through all its stages, or goes on with what RUN holds, and looks at people and
utterances that no training saw: whether the drawn mouth follows what is heard, and not what another
take says; whether the head is the portrait's; how fast it turns at four speeds; and whether clips
join. Prints a table with the untrained model beside, and writes it and a picture into RUN.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter1d

from lipkit import config as settings
from lipkit.cli import run
from lipkit.faces import mesh
from lipkit.models.emo import material
from lipkit.models.emo.config import EmoConfig
from lipkit.models.emo.hearing import clipped
from lipkit.models.emo.model import Emo, build
from lipkit.models.emo.performing import seated
from lipkit.models.emo.pipeline import EmoAnimator
from lipkit.models.parts import checkpoint, vae
from lipkit.models.parts.canvas import frames_of
from lipkit.training.toys.dubbing import agreement
from lipkit.training.toys.likeness import nearest
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.reading import Reading, read
from lipkit.training.toys.takes import Toy, Toys, parse

DATA = "toy:size=32,seconds=3,people=400,takes=400,held_out=40"
SPEEDS = (0.1, 0.5, 0.9, 1.3)  # degrees a frame
SMOOTH = 2.0  # frames over which turns are smoothed: readings err by half a degree
ANGLES = ("yaw", "pitch", "roll")
UNTRAINED = 4  # takes of the untrained model, whose noise takes long to read
LONG = 20  # seconds of the video whose joints are looked at


@dataclass(frozen=True)
class Played:
    """What a model drew of a take's first frame to the sound of a take."""

    seen: Toy
    heard: Toy
    frames: Any  # (f, h, w, 3)

    @property
    def reading(self) -> Reading:
        """What the drawn person does."""
        return read(self.frames, self.seen.who)


class Stagehand:
    """Has a model play takes."""

    def __init__(self, model: Emo, config: EmoConfig) -> None:
        self.config, self.form = config, model.config
        self.animator = EmoAnimator(model.eval(), vae.of(model))

    def play(self, seen: Toy, heard: Toy, frames: int, **controls: float) -> Played:
        """``frames`` of the person in one take to the sound of another."""
        form, config = self.form, self.config
        sitter = seated(seen.pictures(0, 1)[0], seen.points[0], form, config.sampling, seen.scheme)
        rows = material.heard(heard, form)[:frames]
        clips = clipped([rows], form.window, form.hearing.margin, frames)
        asked = replace(config.controls, **controls)
        noise = torch.Generator().manual_seed(seen.person % 1000)
        drawn = self.animator.animate(sitter, clips, asked, config.sampling, noise)
        made = np.concatenate([frames_of(pictures) for pictures in drawn])[:frames]
        return Played(seen, heard, made)


def following(played: Sequence[Played]) -> tuple[float, float]:
    """Mean correlation of drawn mouths with what is heard, and with what was seen."""
    k = INDEX["aperture"]
    lips = [each.reading["aperture"] for each in played]
    rows = list(zip(played, lips, strict=True))
    heard = [each.heard.motion[: len(track), k] for each, track in rows]
    seen = [each.seen.motion[: len(track), k] for each, track in rows]
    return agreement(lips, heard), agreement(lips, seen)


def recognised(played: Sequence[Played], people: Sequence[int]) -> float:
    """Share of clips whose last frame is most like the person drawn, of all ``people``."""
    return float(np.mean([nearest(e.frames[-1], people) == e.seen.who for e in played]))


def turning(played: Played) -> float:
    """Mean speed of the head in degrees a frame."""
    reading = played.reading
    angles = np.stack([gaussian_filter1d(reading[name], SMOOTH) for name in ANGLES], 1)
    return float(material.turned(mesh.rotation(angles))[1:].mean())


def joints(played: Played, window: int) -> tuple[float, float]:
    """Mean change of frames where clips join, and the 95th percentile elsewhere, in levels."""
    frames = played.frames.astype(np.float32)
    changes = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    joined = np.arange(1, len(frames)) % window == 0
    return float(changes[joined].mean()), float(np.percentile(changes[~joined], 95))


def measure(model: Emo, config: EmoConfig, takes: Sequence[Toy], long: Toy) -> dict[str, float]:
    """All figures of the table."""
    hand, count = Stagehand(model, config), len(takes[0]) // model.config.window
    frames = count * model.config.window
    right = [hand.play(take, take, frames) for take in takes]
    others = [*takes[1:], takes[0]]
    swapped = [hand.play(a, b, frames) for a, b in zip(takes, others, strict=True)]
    found = {"mouth and its sound, r": following(right)[0]}
    heard, seen = following(swapped)
    found |= {"swapped: and what is heard, r": heard, "swapped: and what was seen, r": seen}
    found["right person, share"] = recognised(right, [take.who for take in takes])
    for speed in SPEEDS:
        quick = [hand.play(take, take, frames, speed=speed) for take in takes[: len(takes) // 2]]
        found[f"turns at speed {speed}"] = float(np.mean([turning(each) for each in quick]))
    chained = hand.play(long, long, LONG * model.config.fps)
    found["change at joints"], found["change elsewhere, 95 %"] = joints(
        chained, model.config.window
    )
    return found


def sheet(model: Emo, config: EmoConfig, takes: Sequence[Toy]) -> Image.Image:
    """Takes as filmed above the same as drawn, every third frame."""
    rows = []
    for take in takes:
        drawn = Stagehand(model, config).play(take, take, 48).frames
        rows += [np.hstack(take.pictures(0, 48)[::4]), np.hstack(drawn[::4])]
    picture = Image.fromarray(np.vstack(rows))
    return picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST)


def main() -> None:
    """Train, measure, and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUN")
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--takes", type=int, default=20, help="held-out takes that are drawn")
    given = parser.parse_args()
    words = ["train", "emo", "--preset", "tiny-emo", "--data", given.data]
    if status := run([*words, "-o", str(given.output), "--resume"]):
        raise SystemExit(status)
    config = settings.resolve(EmoConfig, preset=settings.load_preset("tiny-emo").tables)
    spec = parse(given.data)
    takes = list(Toys(spec).held_out[: given.takes])
    long = Toys(replace(spec, seconds=float(LONG))).held_out[0]
    torch.manual_seed(0)
    columns = {}
    for name in ("untrained", "trained"):
        model = build(config.model).requires_grad_(False)
        weights = given.output / "weights.safetensors"
        if name == "trained":
            checkpoint.load(model, weights)
        else:
            model.vae.load_state_dict(autoencoder_in(weights))
        some = takes if name == "trained" else takes[:UNTRAINED]
        columns[name] = measure(model, config, some, long)
    (given.output / "learned.json").write_text(json.dumps(columns, indent=1) + "\n")
    sheet(model, config, takes[:4]).save(given.output / "learned.png")
    print("| held-out cartoons | untrained | trained |\n|---|---|---|")
    for key, value in columns["trained"].items():
        print(f"| {key} | {columns['untrained'][key]:.3f} | {value:.3f} |")


def autoencoder_in(weights: Path) -> dict[str, torch.Tensor]:
    """The autoencoder's tensors in a weights file."""
    from safetensors.torch import load_file

    tensors = load_file(weights)
    return {n.removeprefix("vae."): t for n, t in tensors.items() if n.startswith("vae.")}


if __name__ == "__main__":
    main()
