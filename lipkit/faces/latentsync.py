"""LatentSync's own face choice and alignment, number for number.

Its weights were trained on crops made in just this way, habits included: coordinates rounded to
whole pixels, a crop of 3:4 that is squeezed to a square, and a translation to which a smoothed
offset in other units is added. ``templates`` has the same crop without the rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

TEMPLATE = ((17.0, 20.0), (58.0, 20.0), (37.5, 40.0))  # left brow, right brow, nose
TEMPLATE_SIZE = (75, 100)
ZOOM = 2.8  # template units to pixels of a crop for 256 x 256
BIAS_KEPT = 0.2  # share of the last frame's bias in the next one's
BOX_ROWS = (
    0, 1, 3, 5, 7, 10, 12, 14, 16, 17, 19, 21, 23, 26, 28, 30, 32, 43, 48, 49, 50, 51, 73, 74, 86,
    *range(101, 106),
)  # fmt: skip
NOSE_ROOT = (73, 74)


@dataclass(frozen=True)
class Choice:
    """The chosen detection's index, the box reported for it and its whole-pixel landmarks."""

    index: int
    box: Array
    landmarks: Array


def choose(
    boxes: Array, scores: Array, landmarks: Array, frame_size: tuple[int, int]
) -> Choice | None:
    """The largest acceptable detection of one frame, the first of equals, or None.

    ``boxes (n, 4)``, ``scores (n,)`` and ``landmarks (n, 106, 2)`` are InsightFace's.
    """
    best, most = None, 0
    for i, box in enumerate(boxes.astype(np.int64)):
        w, h = int(box[2] - box[0]), int(box[3] - box[1])
        if w < 50 or h < 80 or w / h > 1.5 or w / h < 0.2 or scores[i] < 0.5:
            continue
        if w * h > most:
            best, most = i, w * h
    if best is None:
        return None
    whole = np.rint(landmarks[best]).astype(np.int64)
    detected = boxes[best].astype(np.int64)
    return Choice(best, reported_box(whole, detected, frame_size), whole)


def reported_box(landmarks: Array, detected: Array, frame_size: tuple[int, int]) -> Array:
    """The box ``(4,)`` around the face's outline, from the brows' mirror image to the chin."""
    outline = landmarks[list(BOX_ROWS)]
    middle = landmarks[list(NOSE_ROOT), 1].mean()
    x1, x2 = int(outline[:, 0].min()), int(outline[:, 0].max())
    y2 = int(outline[:, 1].max())
    y1 = int(2 * middle - y2)
    if x2 <= x1 or y2 <= y1 or x1 < 0:
        x1, y1, x2, y2 = (int(v) for v in detected)
    y2 += int((x2 - x1) * 0.1)
    x1 -= int((x2 - x1) * 0.05)
    x2 += int((x2 - x1) * 0.05)
    width, height = frame_size
    return np.array([max(0, x1), max(0, y1), min(width, x2), min(height, y2)], np.int64)


def ratio(resolution: int) -> float:
    """Crop pixels per template unit for faces of ``resolution`` pixels."""
    return ZOOM * resolution / 256


def crop_size(resolution: int) -> tuple[int, int]:
    """Width and height of the crop before it is squeezed to a square."""
    return int(TEMPLATE_SIZE[0] * ratio(resolution)), int(TEMPLATE_SIZE[1] * ratio(resolution))


def fit(points: Array, resolution: int, bias: Array | None = None) -> tuple[Array, Array]:
    """Source-to-crop matrix ``(2, 3)`` for ``points (3, 2)``, and the bias for the next frame.

    A similarity fit with the nose's residual, smoothed over frames, added to the translation. Hand
    the bias of one frame to the next one of the same shot, and None to a shot's first.
    """
    source = np.asarray(points, np.float64)
    target = np.asarray(TEMPLATE) * ratio(resolution)
    from_centre, to_centre = source.mean(0), target.mean(0)
    source, target = source - from_centre, target - to_centre
    from_spread, to_spread = source.std(ddof=1), target.std(ddof=1)
    source, target = source / from_spread, target / to_spread
    u, _, vt = np.linalg.svd(source.T @ target)
    turn = vt.T @ u.T
    if np.linalg.det(turn) < 0:
        vt[-1] *= -1
        turn = vt.T @ u.T
    linear = to_spread / from_spread * turn
    offset = target[2] - source[2]
    if bias is not None:
        offset = BIAS_KEPT * bias + (1 - BIAS_KEPT) * offset
    shift = to_centre - linear @ from_centre + offset
    return np.concatenate([linear, shift[:, None]], 1), offset


def three_points(landmarks: Array, groups: Sequence[Sequence[int]]) -> Array:
    """Whole-pixel means ``(3, 2)`` of the left brow's, right brow's and nose's landmarks."""
    return np.rint([landmarks[list(rows)].mean(0) for rows in groups])
