"""How well the built-in generator moves to speech: lips, rest, seals, head, blinks, joints, speed.

``python -m benchmarks.voice`` prints a line a number, marked ``!`` where it misses its limit;
``--json`` prints one object. ``--model`` names a preset, a run or a weights file. Held-out voices
are spoken anew with a seed of their own (``--minutes``), into ``--corpus``.

Real clips: ``--tracks DIR`` holds ``NAME.npz`` with ``aperture`` and ``width`` at 25 frames a
second, tracked from ``NAME.*`` in ``--video DIR``. Lips that lead their sound are compared at the
fixed offset that ``OFFSETS`` gives.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lipkit.media.audio import read_wave
from lipkit.models import Loaded, load
from lipkit.models.vasa.listen import listen
from lipkit.models.vasa.mel import RATE, log_mel
from lipkit.models.vasa.pipeline import move
from lipkit.training.voices import corpus
from lipkit.training.voices.corpus import Item
from lipkit.training.voices.excerpts import marked
from lipkit.training.voices.motion import CHANNELS, lips, rest
from lipkit.training.voices.visemes import TABLE, activations

Array = NDArray[Any]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "media"
# Frames by which the tracked lips come after the sound.
OFFSETS = {"speech_512_25fps": -3, "talk_480_25fps": -7}
REAL_SPREAD = 0.059  # standard deviation of a real speaker's aperture
COLUMN = {name: i for i, name in enumerate(CHANNELS)}
# name: (lowest, highest), None for no limit
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "held-out aperture r": (0.85, None),
    "held-out width r": (0.85, None),
    "real aperture r": (0.42, None),
    "real width r": (0.36, None),
    "real aperture r over loudness": (0.15, None),
    "aperture spread over real": (0.8, 1.2),
    "silence: aperture, largest": (None, 0.03),
    "silence: aperture deviation, largest": (None, 0.005),
    "short pause: aperture": (0.03, 0.09),
    "bilabials closed": (0.7, None),
    "yaw deviation": (3.0, 10.0),
    "pitch deviation": (3.0, 6.0),
    "roll deviation": (2.0, 6.0),
    "joints over 95th percentile": (None, 1.0),
    "seconds for 10 s": (None, 1.5),
    "blinks a minute": (8.0, 30.0),
    "blink frames": (4.0, 9.0),
    "liveliness over regression": (1.2, None),
}


def correlation(a: Array, b: Array) -> float:
    """Pearson's r."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-20))


def shifted(made: Array, real: Array, offset: int) -> float:
    """Correlation where ``real`` comes ``offset`` frames after ``made``."""
    count, first, last = min(len(made), len(real)), max(0, -offset), max(0, offset)
    return correlation(made[first : count - last], real[last : count - first])


class Bench:
    """The model, and motion of sounds under it."""

    def __init__(self, model: Loaded, seed: int) -> None:
        self.model, self.seed = model, seed

    def of_mel(self, rows: Array) -> tuple[Array, Array]:
        """Audio features and motion of log-mel."""
        heard = listen(self.model.module.frontend, rows)
        return heard, self.of_features(heard)

    def of_features(self, heard: Array) -> Array:
        """Motion ``(f, c)`` of audio features."""
        sampling = self.model.config.sampling
        return np.concatenate(list(move(self.model.module, heard, sampling, seed=self.seed)))

    def of_wave(self, wave: Array) -> Array:
        """Motion of sound."""
        return self.of_mel(log_mel([wave]))[1]


def held_out(bench: Bench, items: list[Item]) -> dict[str, float]:
    """Lips against the truth, and seals, on voices that no training heard."""
    r: list[tuple[float, float, float]] = []
    closed: list[bool] = []
    for item in items:
        heard, made = bench.of_mel(item.mel[: len(item.mel) // 4 * 4])
        classes = activations(item.segments, len(made))
        truth = lips(classes, rest(marked(item.segments, len(made))[1]))
        r.append(
            (
                correlation(made[:, 0], truth[:, 0]),
                correlation(made[:, 1], truth[:, 1]),
                float(made[:, 0].std() / (heard[:, :23] @ TABLE)[:, 0].std()),
            )
        )
        closed += [
            made[min(len(made) - 1, int((s.start + s.end) / 2 * 25)), 0] < 0.02
            for s in item.segments
            if s.phone in ("p", "b", "m") and s.end - s.start > 0.04
        ]
    aperture, width, lively = np.mean(r, 0)
    return {
        "held-out aperture r": float(aperture),
        "held-out width r": float(width),
        "bilabials closed": float(np.mean(closed)),
        "liveliness over regression": float(lively),
    }


def real_clips(bench: Bench, tracks: Path, video: Path) -> dict[str, float]:
    """Lips against tracked ones, beside loudness; nothing where there are no clips."""
    rows = []
    for path in sorted(tracks.glob("*.npz")):
        source = next(video.glob(f"{path.stem}.*"), None)
        if source is None:
            continue
        track, wave = np.load(path), read_wave(source)
        offset = OFFSETS.get(path.stem, 0)
        made = bench.of_wave(wave)
        row = (
            shifted(made[:, 0], track["aperture"], offset),
            shifted(made[:, 1], track["width"], offset),
            shifted(loudness(wave), track["aperture"], offset),
            float(made[:, 0].std()),
        )
        print(
            f"  {path.stem} at {offset:+d}: " + " ".join(f"{x:.3f}" for x in row), file=sys.stderr
        )
        rows.append(row)
    if not rows:
        return {}
    aperture, width, loud, _ = np.mean(rows, 0)
    return {
        "real aperture r": float(aperture),
        "real width r": float(width),
        "real aperture r over loudness": float(aperture - loud),
    }


def loudness(wave: Array) -> Array:
    """Square root of the RMS of every frame."""
    frames = np.pad(wave, (0, -len(wave) % 640)).reshape(-1, 640)
    return np.asarray((frames**2).mean(1) ** 0.25)


def speech_files(bench: Bench, folder: Path) -> dict[str, float]:
    """Spread of the aperture over real speech."""
    spreads = []
    for path in sorted(folder.glob("*.wav")):
        made = bench.of_wave(read_wave(path))
        spreads.append(float(made[:, 0].std()))
    return {"aperture spread over real": float(np.mean(spreads)) / REAL_SPREAD} if spreads else {}


def silences(bench: Bench, speech: Array) -> dict[str, float]:
    """Rest in long silences, clean and in noise, and the softness of short pauses."""
    rng = np.random.default_rng(5)
    gap, short = np.zeros(2 * RATE, np.float32), np.zeros(int(0.3 * RATE), np.float32)
    part = speech[: 4 * RATE]
    clean = np.concatenate([gap, part, gap, part, short, part, gap])  # gaps at 0, 6 and 16.3 s
    apertures, deviations, soft = [], [], []
    for noise in (0.0, 0.001, 0.005):
        made = bench.of_wave(clean + noise * rng.standard_normal(len(clean)).astype(np.float32))
        for start in (0.0, 6.0, 16.3):
            quiet = made[int((start + 0.5) * 25) : int((start + 1.8) * 25), 0]
            apertures.append(float(quiet.max()))
            deviations.append(float(quiet.std()))
        soft.append(float(made[int(12.1 * 25) : int(12.25 * 25), 0].mean()))
    return {
        "silence: aperture, largest": max(apertures),
        "silence: aperture deviation, largest": max(deviations),
        "short pause: aperture": float(np.mean(soft)),
    }


def stretches(items: list[Item], seconds: float, count: int) -> Iterator[Array]:
    """Log-mel of several utterances in a row, so many seconds each."""
    rows = np.concatenate([item.mel for item in items])
    size = int(seconds * 100)
    for i in range(min(count, len(rows) // size)):
        yield rows[i * size : (i + 1) * size]


def head_and_lids(bench: Bench, items: list[Item]) -> dict[str, float]:
    """Deviation of the pose in clips of 10 s, jumps at the windows' joints, and blinks."""
    window = bench.model.config.model.generator.window
    pose = [COLUMN[name] for name in ("yaw", "pitch", "roll")]
    spread, joints, inside, blinks, minutes = [], [], [], [], 0.0
    for rows in stretches(items, 20, 12):
        made = bench.of_mel(rows)[1]
        spread += [made[i : i + 250, pose].std(0) for i in range(0, len(made) - 249, 250)]
        step = np.abs(np.diff(made[:, pose], axis=0))
        at = np.arange(window - 1, len(step), window)
        joints.append(step[at])
        inside.append(np.delete(step, at, axis=0))
        blinks += blink_lengths(made[:, COLUMN["blink_left"]])
        minutes += len(made) / 1500
    yaw, pitch, roll = np.mean(spread, 0)
    limit = np.percentile(np.concatenate(inside), 95, axis=0)
    return {
        "yaw deviation": float(yaw),
        "pitch deviation": float(pitch),
        "roll deviation": float(roll),
        "joints over 95th percentile": float(
            (np.median(np.concatenate(joints), axis=0) / limit).max()
        ),
        "joints beyond 95th percentile": float((np.concatenate(joints) > limit).mean()),
        "blinks a minute": len(blinks) / minutes,
        "blink frames": float(np.mean(blinks)) if blinks else 0.0,
    }


def blink_lengths(lids: Array) -> list[int]:
    """Frames of every closure that passes a half."""
    moved = np.concatenate([[0], (lids > 0.05).astype(int), [0]])
    edges = np.flatnonzero(np.diff(moved)).reshape(-1, 2)
    return [int(b - a) for a, b in edges if lids[a:b].max() > 0.5]


def speed(bench: Bench, items: list[Item]) -> dict[str, float]:
    """Seconds for ten seconds of sound, on one thread."""
    rows = next(stretches(items, 10, 1))
    bench.of_mel(rows)
    started = time.perf_counter()
    bench.of_mel(rows)
    return {"seconds for 10 s": time.perf_counter() - started}


def verdict(name: str, value: float) -> str:
    """A mark where a number misses its limit."""
    low, high = LIMITS.get(name, (None, None))
    missed = (low is not None and value < low) or (high is not None and value > high)
    return "!" if missed else " "


def spoken(folder: Path, minutes: float) -> list[Item]:
    """Fresh utterances of the held-out voices."""
    spec = corpus.CorpusSpec(seed=99).scaled(minutes)
    corpus.build(folder, spec, lambda wave: log_mel([wave]))
    return [item for item in corpus.read(folder) if item.held_out]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--tracks", type=Path, default=SHARED / "tracks")
    parser.add_argument("--video", type=Path, default=SHARED / "video")
    parser.add_argument("--speech", type=Path, default=SHARED / "speech")
    parser.add_argument("--set", dest="sets", action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    torch.set_num_threads(1)
    loaded = load(options.model, verb="animate", sets=options.sets, device="cpu")
    bench = Bench(loaded, options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        items = spoken(options.corpus or Path(scratch), options.minutes)
    sample = sorted(options.speech.glob("*.wav"))
    wave = read_wave(sample[0]) if sample else None
    results = held_out(bench, items) | real_clips(bench, options.tracks, options.video)
    results |= speech_files(bench, options.speech)
    if wave is not None:
        results |= silences(bench, wave)
    results |= head_and_lids(bench, items) | speed(bench, items)
    if options.json:
        print(json.dumps(results))
    else:
        for name, value in results.items():
            print(f"{verdict(name, value)} {name:<40} {value:.3f}")
    return int(any(verdict(name, value) == "!" for name, value in results.items()))


if __name__ == "__main__":
    sys.exit(main())
