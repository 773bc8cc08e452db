"""Where CAPP's takes come from: talking videos, aligned clips, shards, cartoons, spoken corpora."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput, BadUsage
from lipkit.models.capp.features import heard, log_mel, paired
from lipkit.models.capp.takes import Take, Takes, stretches
from lipkit.training.clips import ClipFootage, Clips, held_out
from lipkit.training.data import Data, Footage, footage
from lipkit.training.voices.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from lipkit.faces.geometry import Geometry
    from lipkit.training.voices.excerpts import Excerpts

    Array = NDArray[Any]

FPS = Fraction(25)
LOUD = 1.5  # decades from silence to loud speech
ANGLES = ("yaw", "pitch", "roll")


def gather(data: Data, audio: str, frames: int) -> tuple[Takes, Takes]:
    """Takes to train on and takes for validation, all at least ``frames`` long.

    BadInput where nothing is of use; BadUsage for features that a spoken corpus does not hold.
    """
    if not isinstance(data, Source):
        found = footage(data, "pairs")
        sides = [_of_all(part, audio, frames) for part in (found.training, found.held_out)]
    elif data.spec or any(data.folder.glob("*.safetensors")):
        sides = _spoken(data, audio, frames)
    elif any(data.folder.rglob("*.tar")):
        return gather(Clips.of_folder(data.folder), audio, frames)
    else:
        sides = _of_folder(data.folder, audio, frames, data.report)
    if not all(sides):
        raise BadInput(
            f"{data.name}: too little to train on and to validate with: no two people move their "
            f"heads to sound for {float(frames / FPS):g} s",
            hint="give a folder of talking videos",
        )
    return Takes(sides[0]), Takes(sides[1])


def _of_all(takes: Iterable[Footage], audio: str, frames: int) -> list[Take]:
    """The takes of footage whose landmarks are known."""
    found: list[Take] = []
    for take in takes:
        found += stretches(heard(take.wave, audio), _pose_of(take), frames)
    return found


def _pose_of(take: Footage) -> Array:
    if "motion" in take.truth:
        from lipkit.training.toys.motion import INDEX

        return take.truth["motion"][:, [INDEX[name] for name in ANGLES]]
    if not isinstance(take, ClipFootage):
        raise BadUsage(f"{take.name}: this footage tells no head pose")
    return _pose_in(take.geometry, take.name)


def _pose_in(geometry: Geometry, name: str) -> Array:
    """The pose at 25 frames a second in an aligned clip, whose crops have lost the head's roll."""
    from lipkit.metrics.motion import head_pose
    from lipkit.metrics.tracking import regular
    from lipkit.protocols import FaceTrack

    if geometry.scheme != "mediapipe478":
        raise BadInput(f"{name}: its landmarks are of {geometry.scheme}", hint="align by mediapipe")
    track = FaceTrack(
        points=geometry.points,
        valid=geometry.valid,
        shot=geometry.shot,
        times=geometry.times,
        fps=geometry.fps,
        frame_size=geometry.frame_size,
        scheme=geometry.scheme,
    )
    count = round(len(geometry) / geometry.fps * FPS)
    return head_pose(regular(track, [k / FPS for k in range(count)], FPS))


def _of_folder(
    folder: Path, audio: str, frames: int, report: Callable[[str], None]
) -> list[list[Take]]:
    """The takes of the videos and clips in a folder; those in one folder are of one person."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    people = [str(p.parent) if p.parent != folder else p.stem for p in files]
    kept: dict[str, list[Take]] = {}
    for path, person in zip(files, people, strict=True):
        if takes := _of_file(path, audio, frames, report):
            kept.setdefault(person, []).extend(takes)
    chosen = held_out(list(kept))
    sides: list[list[Take]] = [[], []]
    for person, takes in kept.items():
        sides[person in chosen].extend(takes)
    report(f"{len(sides[0])} takes to train on, {len(sides[1])} for validation")
    return sides


def _of_file(path: Path, audio: str, frames: int, report: Callable[[str], None]) -> list[Take]:
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.metrics.clip import Clip
    from lipkit.metrics.motion import head_pose

    try:
        kind = sniff(path)
        if kind not in (Kind.VIDEO, Kind.CLIP):
            return []
        clip = Clip(path.name, path)
        if clip.wave is None:
            raise BadInput(f"{path}: {clip.silence}")
        if kind is Kind.CLIP:
            aligned = ClipFootage(str(path), lambda: path)
            pose = _pose_in(aligned.geometry, str(path))
        else:
            pose = head_pose(clip.track25)
        return list(stretches(heard(clip.wave, audio), pose, frames))
    except BadInput as problem:
        report(f"left out: {problem}")
        return []


def _spoken(source: Source, audio: str, frames: int) -> list[list[Take]]:
    """Takes of a corpus by synthesizers, with gestures made by programs."""
    if audio != "mel":
        raise BadUsage(f"a spoken corpus holds mel, not {audio}", hint="--set model.audio=mel")
    spoken = source.gather(log_mel)
    return [list(_gestured(part, frames)) for part in (spoken.training, spoken.held_out)]


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
