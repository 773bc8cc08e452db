"""What CAPP trains on: stretches of sound features and of the head pose that goes with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput, BadUsage
from lipkit.models.capp.config import STEPS
from lipkit.models.capp.features import heard, log_mel, paired

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack
    from lipkit.training.voices.excerpts import Excerpts
    from lipkit.training.voices.source import Source

    Array = NDArray[Any]

MIRRORED = np.array([-1, 1, -1], np.float32)  # yaw and roll
APART = 10  # frames at least between two windows of one take
HELD_OUT = 10  # one of so many clips is kept for validation
RATE, FPS = 16000, Fraction(25)
LOUD = 1.5  # decades from silence to loud speech


@dataclass(frozen=True)
class Take:
    """Features ``audio (2 f, a)`` and ``pose (f, 3)``, all frames with a face."""

    audio: Array
    pose: Array


@dataclass(frozen=True)
class Takes:
    """Takes that are all at least one window long."""

    items: Sequence[Take]

    def cut(self, rng: np.random.Generator, count: int, frames: int) -> tuple[Array, Array]:
        """Windows ``(count, 2 frames, a)`` and ``(count, frames, 3)``, two of a take at a time.

        Windows of one take make the contrast about time, not about rooms and voices.
        """
        lengths = np.array([len(take.pose) for take in self.items], np.float64)
        sound, pose = [], []
        while len(pose) < count:
            take = self.items[int(rng.choice(len(self.items), p=lengths / lengths.sum()))]
            side = MIRRORED if rng.random() < 0.5 else np.float32(1)
            for first in _places(rng, len(take.pose) - frames):
                sound.append(take.audio[STEPS * first : STEPS * (first + frames)])
                pose.append(take.pose[first : first + frames] * side)
        stacked = np.stack(sound[:count]), np.stack(pose[:count])
        return stacked[0].astype(np.float32), stacked[1].astype(np.float32)

    def spread(self) -> tuple[Array, Array]:
        """Deviations ``(3,)`` of the angles about each take's mean, and of their changes."""
        turned = np.concatenate([take.pose - take.pose.mean(0) for take in self.items])
        changes = np.concatenate([np.diff(take.pose, axis=0) for take in self.items])
        return turned.std(0), changes.std(0)


def _places(rng: np.random.Generator, last: int) -> list[int]:
    """Where one or two windows begin, up to ``last``."""
    first = int(rng.integers(last + 1))
    second = int(rng.integers(last + 1))
    return [first, second] if abs(first - second) >= APART else [first]


def gather(source: Source, audio: str, frames: int) -> tuple[Takes, Takes]:
    """Takes to train on and takes for validation: of a folder of clips, or of a spoken corpus.

    BadInput where no clip is of use; BadUsage for features that the corpus does not hold.
    """
    files = [] if source.spec else sorted(p for p in source.folder.rglob("*") if p.is_file())
    if source.spec or any(p.suffix == ".safetensors" for p in files):
        return _spoken(source, audio, frames)
    training: list[Take] = []
    held_out: list[Take] = []
    for path in files:
        held = hashlib.sha256(path.name.encode()).digest()[0] % HELD_OUT == 0
        (held_out if held else training).extend(_of_file(path, audio, frames, source.report))
    if not held_out and len(training) > 1:
        held_out.append(training.pop())
    if not training or not held_out:
        seconds = float(frames / FPS)
        raise BadInput(
            f"{source.folder}: fewer than two clips show a head and sound for {seconds:g} s",
            hint="give a folder of talking videos or of clips by `lipkit align`",
        )
    source.report(f"{len(training)} takes to train on, {len(held_out)} for validation")
    return Takes(training), Takes(held_out)


def _of_file(path: Path, audio: str, frames: int, report: Callable[[str], None]) -> list[Take]:
    from lipkit.metrics.clip import Clip
    from lipkit.metrics.motion import head_pose
    from lipkit.metrics.tracking import regular

    try:
        clip = Clip(path.name, path)
        if clip.info.video is None:
            return []
        if clip.wave is None:
            raise BadInput(f"{path}: {clip.silence}")
        aligned = _geometry_track(path)
        track = clip.track25 if aligned is None else regular(aligned, clip.ticks25, FPS)
        sound = heard(clip.wave, audio)
    except BadInput as problem:
        report(f"left out: {problem}")
        return []
    return list(stretches(sound, head_pose(track), frames))


def _geometry_track(path: Path) -> FaceTrack | None:
    """The track in an aligned clip, whose crops have lost the head's roll; None for other files."""
    from lipkit.artifacts.clip import read_clip
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.faces.geometry import Geometry
    from lipkit.protocols import FaceTrack

    if sniff(path) is not Kind.CLIP:
        return None
    clip = read_clip(path)
    found = Geometry.from_tensors(clip.tensors, clip.header)
    if found.scheme != "mediapipe478":
        raise BadInput(f"{path}: its landmarks are of {found.scheme}", hint="align by mediapipe")
    shape = found.frame_size, found.scheme
    return FaceTrack(found.points, found.valid, found.shot, found.times, found.fps, *shape)


def stretches(audio: Array, pose: Array, frames: int) -> Iterator[Take]:
    """Takes of the stretches without missing frames of ``audio (2 f, a)`` and ``pose (f, 3)``."""
    count = min(len(audio) // STEPS, len(pose))
    seen = np.isfinite(pose[:count]).all(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= frames:
            sound = audio[STEPS * start : STEPS * end].astype(np.float16)
            yield Take(sound, pose[start:end].astype(np.float32))


def _spoken(source: Source, audio: str, frames: int) -> tuple[Takes, Takes]:
    """Takes of a corpus by synthesizers, with gestures made by programs."""
    if audio != "mel":
        raise BadUsage(f"a spoken corpus holds mel, not {audio}", hint="--set model.audio=mel")

    spoken = source.gather(log_mel)
    sides = (Takes(list(_gestured(part, frames))) for part in (spoken.training, spoken.held_out))
    training, held_out = sides
    if not training.items or not held_out.items:
        raise BadInput(f"{source.folder}: no sentence is long enough", hint="speak more minutes")
    return training, held_out


def _gestured(excerpts: Excerpts, frames: int) -> Iterator[Take]:
    """The excerpts, a few sentences at a time, with a head that moves to them."""
    from lipkit.training.voices.gestures import head
    from lipkit.training.voices.motion import prosody, speaking

    length = max(500, 2 * frames)
    rows = len(excerpts.mel) // excerpts.frames
    for first in range(0, excerpts.frames - frames + 1, length):
        part = slice(first, min(first + length, excerpts.frames))
        if part.stop - first < frames:
            return
        mel = excerpts.mel[rows * first : rows * part.stop].astype(np.float32)
        classes = excerpts.classes[part].astype(np.float32)
        level = np.log10((10**mel).mean(1).reshape(-1, rows).mean(1))
        energy = np.clip(level - np.percentile(level, 95), -LOUD, 0).astype(np.float32)
        _, accent = prosody(energy, classes)
        around = speaking(accent, classes, excerpts.stress[part].astype(np.float32))
        pose = head(around, np.random.default_rng((first, 7)))[:, :3]
        yield Take(paired(mel).astype(np.float16), pose)
