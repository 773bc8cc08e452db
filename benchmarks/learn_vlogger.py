"""Whether VLOGGER learns to talk, from nothing, on talking cartoons.

    python -m benchmarks.learn_vlogger -o RUN                 # half an hour of one core
    python -m benchmarks.learn_vlogger -o RUN --takes 2       # look at less of it

Trains the tiny preset's stages and prints, on people and utterances that no training saw: how the
mouth follows the sound, its own and another's; whether frames show what they were told; how seeds
differ; what editing leaves as it was; and how much sharper than bicubic interpolation frames get.
A run that was stopped goes on where it stopped. Beside the weights it leaves ``table.json`` and
``sheet.png``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lipkit import models
from lipkit.faces import mesh
from lipkit.models.latentsync.judges import StandInLpips
from lipkit.models.parts.canvas import frames_of
from lipkit.models.vlogger.editing import VloggerEditor
from lipkit.models.vlogger.enlarging import enlarged, reduced
from lipkit.models.vlogger.figure import Figure
from lipkit.models.vlogger.performing import VloggerPerformer
from lipkit.protocols import FaceTrack
from lipkit.training.toys.dubbing import agreement
from lipkit.training.toys.motion import INDEX, LIPS
from lipkit.training.toys.reading import read
from lipkit.training.toys.takes import Toy, Toys, parse

Array = NDArray[Any]

DATA = "toy:size=64,takes=300,people=300"
FRAMES = 50  # of a take that are drawn
EDITED = 16
SEEDS = 4
SHOWN = (5, 12, 20, 28, 36, 44)
GAP, YAW = INDEX["aperture"], INDEX["yaw"]


def trained(run: Path, data: str) -> models.Loaded:
    """The model of a run, whose training goes on until it is done."""
    command = [sys.executable, "-m", "lipkit", "train", "vlogger", "--preset", "tiny-vlogger"]
    subprocess.run([*command, "--data", data, "-o", str(run), "--resume"], check=True)
    return models.load(str(run), verb="animate")


def seated(performer: VloggerPerformer, take: Toy) -> Figure:
    """The person of a take, by its first frame."""
    return performer.seated(take.pictures(0, 1)[0], take.mesh(0, 1)[0])


def moved(performer: VloggerPerformer, voice: Toy, seed: int = 0) -> Array:
    """Motion ``(f, c)`` to the sound of a take."""
    heard = performer.hear(lambda: [voice.wave])
    generator = torch.Generator().manual_seed(seed)
    rows = np.concatenate(list(performer.talker.move((h[:, 0] for h in heard), generator)))
    return rows[:FRAMES]


def drawn(performer: VloggerPerformer, figure: Figure, motion: Array) -> Array:
    """Frames ``(f, 64, 64, 3)`` of a person who moves so."""
    told = performer.told(figure, [motion])
    pieces = performer.painting.outpainted(told, torch.Generator().manual_seed(1))
    return np.concatenate(
        [frames_of(performer.enlarger.enlarge(p, performer.size)) for p in pieces]
    )


def speaking(performer: VloggerPerformer, takes: list[Toy]) -> tuple[dict[str, float], list[Array]]:
    """Correlations of mouths with sounds and with what was told, and the frames of each take."""
    tracks: dict[str, list[Array]] = {
        name: [] for name in ("own", "other", "told", "yaw", "turned")
    }
    truth, swapped, shown = [], [], []
    for k, take in enumerate(takes):
        figure, other = seated(performer, take), takes[(k + 1) % len(takes)]
        for name, voice in (("own", take), ("other", other)):
            motion = moved(performer, voice)
            frames = drawn(performer, figure, motion)
            found = read(frames, take.who)
            tracks[name].append(found["aperture"])
            if name == "own":
                points = figure.points(performer.model.face, performer.rows, motion)
                turned = mesh.euler(mesh.face_frame(points).rotation)
                tracks["told"].append(mesh.aperture(points))
                tracks["turned"].append(turned[:, 0])
                tracks["yaw"].append(found["yaw"])
                shown.append(frames)
        truth.append(take.motion[:FRAMES, GAP])
        swapped.append(other.motion[:FRAMES, GAP])
    return {
        "mouth and its sound, r": agreement(tracks["own"], truth),
        "mouth and another's sound that it is given, r": agreement(tracks["other"], swapped),
        "mouth and its own sound, given another's, r": agreement(tracks["other"], truth),
        "mouth drawn and told, r": agreement(tracks["own"], tracks["told"]),
        "yaw drawn and told, r": agreement(tracks["yaw"], tracks["turned"]),
    }, shown


def diversity(performer: VloggerPerformer, takes: list[Toy]) -> dict[str, float]:
    """How far seeds differ, over how far one of them moves: head and lips."""
    found: dict[str, list[float]] = {"head": [], "lips": []}
    for take in takes:
        figure = seated(performer, take)
        turns, gaps = [], []
        for seed in range(SEEDS):
            points = figure.points(
                performer.model.face, performer.rows, moved(performer, take, seed)
            )
            turns.append(mesh.euler(mesh.face_frame(points).rotation)[:, 0])
            gaps.append(mesh.aperture(points))
        for name, rows in (("head", turns), ("lips", gaps)):
            found[name].append(float(np.std(rows, 0).mean() / np.std(rows, 1).mean()))
    return {f"seeds differ, {name}": float(np.mean(values)) for name, values in found.items()}


def track_of(take: Toy, count: int) -> FaceTrack:
    """The face of a take as a tracker follows it."""
    fps = Fraction(take.fps)
    return FaceTrack(
        points=take.mesh(0, count),
        valid=np.ones(count, np.bool_),
        shot=np.zeros(count, int),
        times=[k / fps for k in range(count)],
        fps=fps,
        frame_size=(take.size, take.size),
        scheme="mediapipe478",
    )


def editing(loaded: models.Loaded, takes: list[Toy]) -> tuple[dict[str, float], list[Array]]:
    """What becomes of mouths that get another sound, and of the pixels outside the mask."""
    editor = VloggerEditor(loaded.module, loaded.config.sampling)
    made, truth, shown, touched = [], [], [], 0
    for k, take in enumerate(takes):
        other, count = takes[(k + 1) % len(takes)], EDITED
        frames, track = take.pictures(0, count), track_of(take, count)
        study = editor.study(track, lambda rows, frames=frames: (frames[r : r + 1] for r in rows))
        voice, edited = editor.hear([other.wave]), []
        for first in range(0, count, editor.cropping.window):
            rows = list(range(first, min(count, first + editor.cropping.window)))
            times = [track.times[row] for row in rows]
            edited.append(editor.edit(frames[rows], rows, times, track, voice, study))
            inside = editor.touched(rows, times, track, voice, study)
            touched += int(((edited[-1] != frames[rows]).any(-1) & ~inside).sum())
        whole = np.concatenate(edited)
        shown.append(np.stack([frames, whole]))
        made.append(read(whole, take.who, known=take.motion[:count], free=LIPS)["aperture"])
        truth.append(other.motion[:count, GAP])
    table = {"edited mouth and its new sound, r": agreement(made, truth)}
    return {**table, "pixels changed outside the mask": float(touched)}, shown


@torch.inference_mode()
def sharpness(performer: VloggerPerformer, takes: list[Toy]) -> dict[str, float]:
    """Super-resolution and bicubic interpolation beside the truth: PSNR, and a kind of LPIPS."""
    torch.manual_seed(0)
    distance = StandInLpips()
    rows = []
    for take in takes:
        real = torch.from_numpy(take.pictures(0, 40)[::10]).movedim(-1, 0)[None] / 127.5 - 1
        small = reduced(real)
        ours = performer.enlarger.enlarge(small[0].transpose(0, 1), performer.size)
        cubic = enlarged(small, performer.size).clamp(-1, 1)[0].transpose(0, 1)
        truth = real[0].transpose(0, 1)
        pairs = [(float(-10 * torch.log10((made - truth).square().mean() / 4)),
                  float(distance(made, truth).mean())) for made in (ours, cubic)]  # fmt: skip
        rows.append(np.array(pairs).ravel())
    names = ("PSNR", "distance", "PSNR of bicubic", "distance of bicubic")
    return dict(zip(names, np.mean(rows, 0).tolist(), strict=True))


def sheet(takes: list[Toy], spoken: list[Array], edited: list[Array]) -> Array:
    """Filmed above drawn frames of some takes, and below filmed above edited ones."""
    rows = []
    for take, frames in list(zip(takes, spoken, strict=True))[:3]:
        first = take.pictures(0, 1)[0]
        rows.append(np.concatenate([first, *(take.pictures(k, k + 1)[0] for k in SHOWN)], 1))
        rows.append(np.concatenate([first, *(frames[k] for k in SHOWN)], 1))
    for before, after in edited[:1]:
        picked = [2 * k for k in range(len(SHOWN) + 1)]
        rows += [np.concatenate([side[k] for k in picked], 1) for side in (before, after)]
    return np.concatenate(rows).repeat(2, 0).repeat(2, 1)


def main() -> None:
    """Train all, print the table, and draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", default=DATA)
    parser.add_argument("--takes", type=int, default=8, help="held-out takes that are drawn")
    given = parser.parse_args()
    loaded = trained(given.output, given.data)
    takes = list(Toys(parse(given.data)).held_out[: given.takes])
    performer = VloggerPerformer(loaded.module, loaded.config)
    table, spoken = speaking(performer, takes)
    table |= diversity(performer, takes)
    changed, edited = editing(loaded, takes)
    table |= changed | sharpness(performer, takes)
    for name, value in table.items():
        print(f"{name:<50}{value:>10.3f}")
    (given.output / "table.json").write_text(json.dumps(table, indent=1) + "\n")
    Image.fromarray(sheet(takes, spoken, edited)).save(given.output / "sheet.png")


if __name__ == "__main__":
    main()
