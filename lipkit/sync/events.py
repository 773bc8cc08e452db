"""What happened on the way, one JSON object a line: faceless stretches, cuts, lengths, choices."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lipkit import jsonl
from lipkit.errors import LipkitError
from lipkit.faces.survey import missing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.faces.geometry import Geometry
    from lipkit.sync.clock import Clock


@dataclass(frozen=True)
class Log:
    """Rows about one video, appended to a file as they happen; without a file they go nowhere."""

    video: str
    handle: int | None = None

    def add(self, event: str, **facts: Any) -> None:
        """Append one row."""
        if self.handle is None:
            return
        row = {"event": event, "video": self.video, **facts}
        # One write a row: processes that share the log cannot cut each other's lines.
        os.write(self.handle, f"{jsonl.row(row)}\n".encode())


@contextmanager
def open_log(path: Path | None, video: str) -> Iterator[Log]:
    """A log about ``video`` that appends to ``path``; None logs nothing."""
    if path is None:
        yield Log(video)
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as problem:
        raise LipkitError(f"--log {path}: {problem.strerror}") from None
    try:
        yield Log(video, handle)
    finally:
        os.close(handle)


def about_faces(log: Log, geometry: Geometry, face: str, did: str) -> None:
    """Rows on stretches without the face, and what was done there."""
    for first, last in missing(geometry.valid):
        span = {"first": first, "last": last, "time": geometry.times[first]}
        log.add("no face", face=face, action=did, **span)


def about_cuts(log: Log, geometry: Geometry) -> None:
    """Rows on scene cuts."""
    for frame in (np.flatnonzero(np.diff(geometry.shot)) + 1).tolist():
        log.add("cut", frame=frame, time=geometry.times[frame])


@runtime_checkable
class Weighted(Protocol):
    """What an editor learnt of a video, if it says how far it edits each frame ``(f,)``, 0 to 1."""

    weight: NDArray[Any]


def about_fades(log: Log, geometry: Geometry, study: object) -> None:
    """Rows on stretches with a face that are edited in part only, or not at all."""
    if not isinstance(study, Weighted):
        return
    faded = np.asarray(geometry.valid) & (np.asarray(study.weight) < 1)
    for first, last in missing(~faded):
        least = float(study.weight[first : last + 1].min())
        log.add("fade", first=first, last=last, time=geometry.times[first], least=least)


def about_length(log: Log, clock: Clock, sound: Fraction, frames: int, length: str) -> None:
    """A row on how long the result is, and one on frames added or left out."""
    facts = {"sound": sound, "picture": clock.end, "frames": len(clock), "source": frames}
    log.add("length", asked=length, **facts)
    if len(clock) > clock.whole:
        extra = len(clock) - clock.whole
        log.add("extended", first=clock.whole, frames=extra, time=clock.times[clock.whole])
    if clock.whole < frames:
        log.add("picture cut", frames=frames - clock.whole, time=clock.end)
