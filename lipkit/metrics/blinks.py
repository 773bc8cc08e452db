"""Blinks, counted by the eye aspect ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.metrics.ibug import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Runs = list[tuple[int, int]]

CLOSED = 0.6  # of the clip's median aspect ratio
MERGED = 1  # open frames inside a closure that are overlooked
LONGEST = 12  # frames; eyes closed for longer do not blink


@dataclass(frozen=True)
class Blinks:
    """Blinks and longer closures as frames ``(start, end)``, the end excluded."""

    events: Runs
    long_closures: Runs
    closed: float  # share of the frames
    frames: int  # that show a face

    @property
    def lengths(self) -> list[int]:
        """Frames of each blink."""
        return [end - start for start, end in self.events]

    def per_minute(self, fps: float) -> float:
        """Blinks a minute."""
        return len(self.events) * 60 * fps / self.frames


def aspect_ratio(eye: Array) -> Array:
    """Height over width ``(...)`` of an eye's six points ``(..., 6, 2)`` (Soukupova 2016)."""
    heights = np.linalg.norm(eye[..., 1, :] - eye[..., 5, :], axis=-1)
    heights = heights + np.linalg.norm(eye[..., 2, :] - eye[..., 4, :], axis=-1)
    width = np.linalg.norm(eye[..., 0, :] - eye[..., 3, :], axis=-1)
    return np.asarray(heights / (2 * np.maximum(width, 1e-9)))


def openness(points: Array) -> Array:
    """Mean aspect ratio of both eyes ``(f,)`` of 68 points ``(f, 68, 2)``."""
    return (aspect_ratio(points[:, LEFT_EYE]) + aspect_ratio(points[:, RIGHT_EYE])) / 2


def blinks(ratio: Array) -> Blinks | None:
    """The blinks in aspect ratios ``(f,)``; None if no frame shows a face (all are NaN)."""
    known = np.isfinite(ratio)
    if not known.any():
        return None
    closed = np.where(known, ratio, np.inf) < CLOSED * np.median(ratio[known])
    merged: Runs = []
    for start, end in runs(closed):
        if merged and start - merged[-1][1] <= MERGED:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    events = [run for run in merged if run[1] - run[0] <= LONGEST]
    long = [run for run in merged if run[1] - run[0] > LONGEST]
    return Blinks(events, long, float(closed.sum() / known.sum()), int(known.sum()))


def runs(flags: Array) -> Runs:
    """Stretches ``(start, end)`` of true flags ``(f,)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
