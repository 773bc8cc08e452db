"""Where MuseTalk cuts faces: from twice the middle of the nose's bridge up to the chin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

BRIDGE = 29  # of the 68 points of a face: the lower end of the nose's bridge
FACE = slice(23, 91)  # of the 133 points of a body


def upright(points: Array, bridge: Array, shift: float = 0) -> Array:
    """Boxes x0 y0 x1 y1 ``(..., 4)`` of ``points (..., k, 2)``, the ``bridge (..., 2)`` halfway up.

    A ``shift`` in pixels moves that middle down.
    """
    low, high = points.min(-2), points.max(-2)
    top = np.maximum(2 * (bridge[..., 1] + shift) - high[..., 1], 0)
    return np.stack([low[..., 0], top, high[..., 0], high[..., 1]], -1)


def official(keypoints: Array, detections: Array, shift: int = 0) -> Array:
    """The official code's boxes ``(f, 4)`` of bodies' ``keypoints (f, 133, 2)``.

    Points lose their fractions. A box that is empty or begins left of the frame gives way to the
    detector's ``(f, 4)``; where that found nothing, below 0, the box is all 0.
    """
    faces = np.trunc(keypoints[:, FACE]).astype(np.int64)
    boxes = upright(faces, faces[:, BRIDGE], shift)
    usable = (boxes[:, 2:] > boxes[:, :2]).all(1) & (boxes[:, 0] >= 0)
    boxes = np.where(usable[:, None], boxes, detections)
    return np.where((detections < 0).all(1)[:, None], 0, boxes)
