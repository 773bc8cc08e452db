"""Motion at one frame rate, wanted at another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def resample(
    chunks: Iterable[Floats], fps: Fraction, count: int, rate: Fraction | int = 25
) -> Iterator[Floats]:
    """Motion ``(f, c)`` at ``rate`` frames a second as exactly ``count`` frames at ``fps``.

    Frames are sampled at their middles by Catmull-Rom splines; before the first and after the last
    frame of motion, those hold.
    """
    kept = np.zeros((0, 0), np.float32)  # source frames from number ``first`` on
    first = made = 0
    for chunk in chunks:
        kept = np.concatenate([kept, chunk]) if kept.size else chunk
        ready = (first + len(kept) - 2) * fps / rate  # output frames whose neighbours are known
        stop = min(count, max(made, int(ready)))
        if stop > made:
            yield _between(kept, first, np.arange(made, stop), fps, rate)
            made = stop
            drop = max(0, int((made + 0.5) * rate / fps - 0.5) - 2 - first)
            kept, first = kept[drop:], first + drop
    if made < count and len(kept):
        yield _between(kept, first, np.arange(made, count), fps, rate)


def _between(
    motion: Floats, first: int, frames: NDArray[np.int64], fps: Fraction, rate: Fraction | int
) -> Floats:
    """Splines through ``motion``, whose first row is source frame ``first``, at output frames."""
    place = (frames + 0.5) * float(rate / fps) - 0.5 - first
    base = np.floor(place).astype(int)
    t = (place - base)[:, None].astype(np.float32)
    a, b, c, d = (motion[(base + i).clip(0, len(motion) - 1)] for i in (-1, 0, 1, 2))
    smooth = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    # A spline must not open eyes wider than open, nor lips past closed.
    return np.clip(smooth, np.minimum(b, c), np.maximum(b, c)).astype(np.float32)
