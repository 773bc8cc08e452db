"""What frames hear, cut from a stream of features."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.audio import windows
from lipkit.models.vlogger.config import MotionConfig

Array = NDArray[Any]


def framed(
    pieces: Iterable[Array], rate: Fraction, form: MotionConfig, fps: int
) -> Iterator[Array]:
    """What each frame hears ``(f, 1, steps * bands)``, of pieces ``(t, l, d)`` at ``rate``.

    The same as `material.hearing` of all at once, in memory that does not grow.
    """
    held: Array | None = None
    first = made = 0  # the step that ``held`` begins with, and frames so far

    def heard(stop: int) -> Array:
        assert held is not None
        middles = windows.centres(stop - made, rate, Fraction(fps), made) - first
        steps = windows.rows(middles, form.before, form.after, len(held))
        return windows.cut(held, steps).reshape(stop - made, 1, -1)

    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece])
        stop = math.floor((first + len(held) - 1 - form.after) * fps / rate)
        if stop > made:
            yield heard(stop)
            made = stop
            needed = int(windows.centres(1, rate, Fraction(fps), made)[0]) - form.before
            spent = max(0, needed - first)
            held, first = held[spent:], first + spent
    if held is not None and (last := math.ceil((first + len(held)) * fps / rate)) > made:
        yield heard(last)
