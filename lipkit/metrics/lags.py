"""Which lag brings two tracks together: Pearson's r of frames, lag by lag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

REACH = 10  # frames that one track is shifted either way
PAIRS = 8  # fewer frames say nothing
CONSTANT = 1e-12  # standard deviation of what does not vary


@dataclass(frozen=True)
class Lags:
    """r at each lag, ``curve (2 reach + 1,)``; NaN where it is undefined.

    The middle is lag nought; at positive lags the first track comes later than the second.
    """

    curve: Array

    @property
    def known(self) -> bool:
        """Whether r is defined at any lag."""
        return bool(np.isfinite(self.curve).any())

    @property
    def still(self) -> float | None:
        """The r at lag nought."""
        value = float(self.curve[len(self.curve) // 2])
        return None if np.isnan(value) else value

    @property
    def best(self) -> float | None:
        """The largest r."""
        return float(np.nanmax(self.curve)) if self.known else None

    @property
    def lag(self) -> int | None:
        """The lag of the largest r, the first of equals."""
        return int(np.nanargmax(self.curve)) - len(self.curve) // 2 if self.known else None

    @property
    def confidence(self) -> float | None:
        """How far the largest r stands above the median of all lags."""
        return None if self.best is None else self.best - float(np.nanmedian(self.curve))


def lags(first: Array, second: Array, reach: int = REACH) -> Lags:
    """The correlation of ``first (m,)`` and ``second (n,)`` at every lag up to ``reach`` frames.

    Pairs with NaN are left out. Undefined with fewer than eight pairs, or where one is constant.
    """
    count = min(len(first), len(second))
    curve = np.full(2 * reach + 1, np.nan)
    for lag in range(max(-reach, 1 - count), min(reach, count - 1) + 1):
        early, late = max(-lag, 0), max(lag, 0)
        curve[lag + reach] = pearson(first[late : count - early], second[early : count - late])
    return Lags(curve)


def pearson(first: Array, second: Array) -> float:
    """Pearson's r of two tracks ``(n,)`` over the places where both have a number, or NaN."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < PAIRS:
        return float("nan")
    a, b = first[known] - first[known].mean(), second[known] - second[known].mean()
    if min(a.std(), b.std()) < CONSTANT:
        return float("nan")
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def speed(track: Array) -> Array:
    """Absolute central difference ``(f,)`` per frame of a track ``(f,)``, one-sided at its ends."""
    if len(track) < 2:
        return np.full(len(track), np.nan)
    return np.asarray(np.abs(np.gradient(track)))
