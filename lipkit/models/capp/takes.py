"""What CAPP trains on: stretches of sound features and of the head pose that goes with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.models.capp.config import STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MIRRORED = np.array([-1, 1, -1], np.float32)  # yaw and roll
APART = 10  # frames at least between two windows of one take


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


def stretches(audio: Array, pose: Array, frames: int) -> Iterator[Take]:
    """Takes of the stretches without missing frames of ``audio (2 f, a)`` and ``pose (f, 3)``."""
    count = min(len(audio) // STEPS, len(pose))
    seen = np.isfinite(pose[:count]).all(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= frames:
            sound = audio[STEPS * start : STEPS * end].astype(np.float16)
            yield Take(sound, pose[start:end].astype(np.float32))
