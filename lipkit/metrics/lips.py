"""When lips open and close against the truth's (MTM), and whether they open more in louder speech.

Chae-Yeon et al., "Perceptually Accurate 3D Talking Head Generation" (CVPR 2025).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from lipkit.metrics.landmark_distance import correlation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

SIGMA = 2.0  # frames over which apertures are smoothed
LONGEST = 1500  # frames aligned in one piece; time and memory grow with the square


def misalignments(made: Array, truth: Array) -> list[int]:
    """Frames between matched extrema of two aperture tracks ``(f,)`` without gaps.

    Matched are extrema of the same kind that derivative time warping joins, if the made one lies
    between the neighbours of the true one.
    """
    if min(len(made), len(truth)) < 3:
        return []
    made, truth = gaussian_filter1d(made, SIGMA), gaussian_filter1d(truth, SIGMA)
    kinds = extrema(made), extrema(truth)
    order = sorted(kinds[1])
    bounds = [0, *order, len(truth) - 1]
    between = {frame: (bounds[i], bounds[i + 2]) for i, frame in enumerate(order)}
    found = []
    for there, here in warping(slope(truth), slope(made)):
        if there not in kinds[1] or kinds[1][there] != kinds[0].get(here):
            continue
        first, last = between[there]
        if first <= here <= last:
            found.append(abs(there - here))
    return found


def all_misalignments(made: Array, truth: Array) -> list[int]:
    """The same for tracks of any length with NaN for missing faces, in pieces without gaps."""
    known = np.isfinite(made) & np.isfinite(truth)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    found: list[int] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        for first in range(int(start), int(end), LONGEST):
            piece = slice(first, min(first + LONGEST, int(end)))
            found += misalignments(made[piece], truth[piece])
    return found


def extrema(track: Array) -> dict[int, int]:
    """Kind of each local extremum by its frame: 1 a maximum, -1 a minimum."""
    kinds = {int(frame): 1 for frame in find_peaks(track)[0]}
    return kinds | {int(frame): -1 for frame in find_peaks(-track)[0]}


def slope(track: Array) -> Array:
    """Change ``(f,)`` since the frame before, 0 in the first."""
    return np.diff(track, prepend=track[:1])


def warping(first: Array, second: Array) -> list[tuple[int, int]]:
    """Pairs of frames that dynamic time warping of two tracks joins, in order.

    Cost is the absolute difference; of equal steps the diagonal is taken, then one in ``first``.
    """
    m, n = len(first), len(second)
    total = np.full((m + 1, n + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(2, m + n + 1):  # all cells of one need only the two before it
        i = np.arange(max(1, diagonal - n), min(m, diagonal - 1) + 1)
        j = diagonal - i
        best = np.minimum(np.minimum(total[i - 1, j], total[i, j - 1]), total[i - 1, j - 1])
        total[i, j] = np.abs(first[i - 1] - second[j - 1]) + best
    return _traced(total)


def _traced(total: Array) -> list[tuple[int, int]]:
    """The cheapest way back through the sums of cost ``(m + 1, n + 1)``, first pair first."""
    i, j = total.shape[0] - 1, total.shape[1] - 1
    path = []
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        step = int(np.argmin((total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])))
        i, j = i - (step != 2), j - (step != 1)
    return path[::-1]


def intensity(points: Array) -> float | None:
    """Root mean square over time of the mean displacement of points ``(f, k, d)`` per frame."""
    moved = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(-1)
    moved = moved[np.isfinite(moved)]
    return float(np.sqrt((moved**2).mean())) if len(moved) else None


def intensity_correlation(lips: Array, speech: Array, speakers: Sequence[object]) -> float | None:
    """SLCC: Pearson's r of the clips' lip intensity and speech level ``(n,)``.

    Both are standardised within each speaker. None where nothing varies.
    """
    names = list(dict.fromkeys(speakers))
    of = np.array([names.index(speaker) for speaker in speakers])
    return correlation(_standardised(lips, of), _standardised(speech, of))


def _standardised(values: Array, of: Array) -> Array:
    result = np.zeros(len(values))
    for number in np.unique(of):
        rows = of == number
        if rows.sum() > 1 and (deviation := values[rows].std(ddof=1)) > 0:
            result[rows] = (values[rows] - values[rows].mean()) / deviation
    return result
