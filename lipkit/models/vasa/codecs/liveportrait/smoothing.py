"""Tracks of motion made steady, without lag."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DRIFT = 1e-5  # variance of a step of the true motion


def smoothed(track: Array, variance: float) -> Array:
    """A track ``(f, ...)`` by a Rauch-Tung-Striebel smoother; all numbers move independently.

    The true track is a random walk from the first row on, known to a variance of one; rows are seen
    with ``variance``. Gains are the same for every number, so they are found once.
    """
    gains, kept = [], []
    unsure = 1.0
    for step in range(len(track)):
        predicted = unsure + DRIFT if step else unsure
        gains.append(predicted / (predicted + variance))
        kept.append(unsure / predicted if step else 0.0)
        unsure = predicted * (1 - gains[-1])
    seen = np.asarray(track, np.float64)
    states = [seen[0]]
    for row, gain in zip(seen[1:], gains[1:], strict=True):
        states.append(states[-1] + gain * (row - states[-1]))
    result = [states[-1]]
    for state, share in zip(states[-2::-1], kept[:0:-1], strict=True):
        result.append(state + share * (result[-1] - state))
    return np.stack(result[::-1])
