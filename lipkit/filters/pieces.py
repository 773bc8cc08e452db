"""Where a video is cut: into shots, and these into pieces of a wanted length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from lipkit.filters.rules import Bound


@dataclass(frozen=True)
class Piece:
    """Frames ``start`` to ``end`` (excluded) of shot number ``shot``."""

    start: int
    end: int
    shot: int

    def __len__(self) -> int:
        return self.end - self.start


def frames_of(length: Bound, fps: Fraction) -> tuple[int, int | None]:
    """The fewest and most frames in seconds ``length``; None without an end."""
    least = max(1, math.ceil(Fraction(length.low) * fps)) if length.low > 0 else 1
    if math.isinf(length.high):
        return least, None
    return least, max(least, math.floor(Fraction(length.high) * fps))


def pieces(cuts: Iterable[int], count: int, fps: Fraction, length: Bound | None) -> list[Piece]:
    """The pieces of ``count`` frames, ``cuts`` being frames that begin a shot.

    A shot gives as many equal pieces as it holds the least length, none longer than the most; what
    is left over is a piece, too. Without ``length`` the shots themselves are the pieces.
    """
    marks = sorted({0, count, *(cut for cut in cuts if 0 < cut < count)})
    return [
        Piece(*ends, shot)
        for shot, (start, end) in enumerate(pairwise(marks))
        for ends in pairwise(_marks(start, end, fps, length))
    ]


def _marks(start: int, end: int, fps: Fraction, length: Bound | None) -> Iterator[int]:
    """The frames between which the pieces of one shot lie."""
    least, most = (end - start, None) if length is None else frames_of(length, fps)
    parts = (end - start) // least
    yield start
    if most is not None and parts * most < end - start:
        yield from (start + k * most for k in range(1, parts + 1))
    else:
        yield from (start + (end - start) * k // parts for k in range(1, parts))
    yield end


def seconds(piece: Piece, fps: Fraction, length: Bound | None) -> float:
    """How long a piece is; one of the wanted number of frames is exactly within ``length``."""
    found = float(len(piece) / fps)
    if length is None:
        return found
    least, most = frames_of(length, fps)
    if least <= len(piece) <= (most or len(piece)):
        return min(max(found, length.low), length.high)
    return found
