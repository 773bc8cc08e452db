"""Windows that cover long clips, so that all of a clip is denoised at once (AniPortrait)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Windows:
    """How windows lie over a clip. With the defaults, AniPortrait's: 16 frames every 12."""

    size: int = 16
    overlap: int = 4
    strides: int = 1  # how many coarser sets to add, each of every second frame of the one before
    closed: bool = True  # windows go on beyond the end, with the first frames
    inside: bool = False  # windows that reach beyond the end lie against it instead

    def rows(self, frames: int, step: int = 0) -> Iterator[list[int]]:
        """Frame numbers of each window over so many ``frames``; ``step`` shifts where they begin.

        A clip that fits into one window is one, however short.
        """
        if frames <= self.size:
            yield list(range(frames))
            return
        share = reversed_bits(step)
        shift = round(frames * share)
        last = frames + shift - (0 if self.closed else self.overlap)
        sets = min(self.strides, math.ceil(math.log2(frames / self.size)) + 1)
        for stride in (2**k for k in range(sets)):
            reach = self.size * stride
            for first in range(int(share * stride) + shift, last, reach - self.overlap):
                back = max(0, first + reach - frames) if self.inside else 0
                yield [row % frames for row in range(first - back, first - back + reach, stride)]

    def coverage(self, frames: int, step: int = 0) -> NDArray[np.int64]:
        """How many windows hold each frame, ``(frames,)``."""
        held = np.concatenate([np.asarray(rows) for rows in self.rows(frames, step)])
        return np.bincount(held, minlength=frames)


def reversed_bits(step: int) -> float:
    """The number in 0..1 whose binary places are the step's, backwards: 0, 1/2, 1/4, 3/4 ...

    Shifts by it lie as far from earlier ones as can be.
    """
    return int(f"{step:064b}"[::-1], 2) / 2**64
