"""Crops that are boxes of the picture, squeezed to a square: how Wav2Lip and MuseTalk cut faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.landmarks import semantic
from lipkit.faces.warping import box_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# the lower end of the nose's bridge, above its tip
BRIDGES = {"mediapipe478": 5, "dlib68": 29, "insightface106": 74}
FOREHEAD = 0.3  # of the height from chin to brows, which detectors of faces add above the brows
CHIN = 0.05  # of the box's height, which Wav2Lip adds below the chin


def squeezed(boxes: Array, size: int) -> Array:
    """Matrices ``(..., 2, 3)`` that make squares of ``size`` of boxes x0 y0 x1 y1 ``(..., 4)``."""
    factor = size / np.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    matrix = np.zeros((*boxes.shape[:-1], 2, 3))
    matrix[..., [0, 1], [0, 1]] = factor
    matrix[..., 2] = (factor - 1) / 2 - factor * boxes[..., :2]
    return matrix


def head(points: Array, scheme: str) -> Array:
    """Boxes ``(..., 4)`` from the forehead to below the chin for ``points (..., k, 2|3)``.

    About those of S3FD, the detector that Wav2Lip was trained with.
    """
    parts = detailed(points, scheme)
    x0, _, x1, y1 = np.moveaxis(box_of(parts["jaw"]), -1, 0)
    brows = np.minimum(parts["left_brow"][..., 1].min(-1), parts["right_brow"][..., 1].min(-1))
    y0 = brows - FOREHEAD * (y1 - brows)
    return np.stack([x0, y0, x1, y1 + CHIN * (y1 - y0)], -1)


def bridged(points: Array, scheme: str, shift: float = 0.0, margin: float = 0.0) -> Array:
    """MuseTalk's boxes ``(..., 4)``: as far above the nose's bridge as the chin lies below it.

    ``shift`` moves that middle down and ``margin`` the lower end, both in parts of the height.
    """
    parts = detailed(points, scheme)
    x0, _, x1, y1 = np.moveaxis(box_of(parts["jaw"]), -1, 0)
    middle = points[..., BRIDGES[scheme], 1]
    height = 2 * (y1 - middle)
    y0 = y1 - height * (1 - 2 * shift)
    return np.stack([x0, y0, x1, y1 + margin * height], -1)


def detailed(points: Array, scheme: str) -> dict[str, Array]:
    """The parts of faces; BadInput for landmarks too coarse to have a jaw."""
    if scheme not in BRIDGES:
        raise BadInput(
            f"landmarks of scheme {scheme!r} have no jaw, which this crop needs",
            hint="use another tracker",
        )
    return semantic(points[..., :2], scheme)
