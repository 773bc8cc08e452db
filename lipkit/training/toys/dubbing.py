"""Whose lips a generated mouth follows: those of the sound, or those of the pictures.

A model that learned to speak follows the sound that it is given. One that found a shortcut copies
what the pictures betray, which shows when they get the sound of another take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.takes import Toy

Floats = NDArray[np.float32]
Array = NDArray[Any]


@dataclass(frozen=True)
class Dubbed:
    """The pictures of ``seen`` with the sound of ``heard``. Implements ``training.data.Footage``.

    Only what is heard should show on the lips; all else is of the pictures.
    """

    seen: Toy
    heard: Toy

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.seen.name}-says-{self.heard.name}"

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.seen.fps

    @property
    def scheme(self) -> str:
        """The landmark numbering."""
        return self.seen.scheme

    def __len__(self) -> int:
        return min(len(self.seen), len(self.heard))

    def pictures(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Frames ``start`` to ``stop`` (excluded) as ``(f, h, w, 3)``, with the old lips."""
        return self.seen.pictures(start, stop)

    @property
    def wave(self) -> Floats:
        """The sound ``(n,)`` of the other take."""
        return self.heard.wave

    @property
    def points(self) -> Floats:
        """Landmarks ``(f, 68, 2)`` of the pictures."""
        return self.seen.points[: len(self)]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """There is a face in every frame."""
        return self.seen.valid[: len(self)]

    @property
    def truth(self) -> dict[str, Array]:
        """``motion (f, c)`` of the pictures, and ``heard (f, c)``, whose lips are wanted."""
        return {
            "motion": self.seen.motion[: len(self)],
            "heard": self.heard.motion[: len(self)],
            "silence": self.heard.truth["silence"][: len(self)],
        }


def dubbed(takes: Sequence[Toy]) -> list[Dubbed]:
    """Every take with the sound of the next; ValueError if two of them say the same."""
    pairs = [Dubbed(take, takes[(k + 1) % len(takes)]) for k, take in enumerate(takes)]
    if any(pair.seen.utterance == pair.heard.utterance for pair in pairs):
        raise ValueError("swapping sounds takes two takes that say different things")
    return pairs


@dataclass(frozen=True)
class Following:
    """Mean correlation of a generated channel with that of the sound, and of the pictures."""

    heard: float
    seen: float


def following(made: Sequence[Array], takes: Sequence[Dubbed], channel: str) -> Following:
    """What generated tracks ``(f,)`` of a channel follow, a track a take."""
    k = INDEX[channel]
    heard = [row.heard.motion[: len(m), k] for m, row in zip(made, takes, strict=True)]
    seen = [row.seen.motion[: len(m), k] for m, row in zip(made, takes, strict=True)]
    return Following(agreement(made, heard), agreement(made, seen))


def agreement(made: Sequence[Array], truth: Sequence[Array]) -> float:
    """Mean over clips of Pearson's r of tracks ``(f,)``; a track that never moves counts as 0.

    Clips whose truth does not move tell nothing and are left out.
    """
    found = []
    for m, t in zip(made, truth, strict=True):
        a, b = np.asarray(m, np.float64) - np.mean(m), np.asarray(t, np.float64) - np.mean(t)
        if (b * b).sum() > 1e-12:
            found.append(float((a * b).sum() / max(1e-12, np.sqrt((a * a).sum() * (b * b).sum()))))
    return float(np.mean(found)) if found else 0.0
