"""Where a face goes in its crop: one template each for restoring, lip sync and portraits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadUsage
from lipkit.faces import latentsync
from lipkit.faces.geometry import similarity
from lipkit.faces.landmarks import anchors, triple
from lipkit.faces.warping import box_of, compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

SIZES = {"square": 512, "latentsync": 256, "portrait": 512}

# FFHQ's crop (Karras et al. 2019, section A) of an average frontal face: its side is four times the
# distance of the eyes, its centre a tenth of the way from the eyes to the mouth. Fractions of the
# side; eyes, nose tip, mouth corners.
SQUARE = ((0.376, 0.470), (0.624, 0.470), (0.500, 0.614), (0.393, 0.728), (0.607, 0.728))
SQUARE_WEIGHTS = (1.0, 1.0, 0.5, 0.1, 0.1)  # speech moves the mouth, which should not move the crop

PORTRAIT_SIDE = 2.3  # crop side over the height of the face's landmarks
PORTRAIT_RISE = 0.08  # of that height, from the face's middle to the crop's


def matrices(
    template: str,
    points: Array,
    scheme: str,
    size: int,
    *,
    frame_size: tuple[int, int],
) -> Array:
    """Source-to-crop matrices ``(f, 2, 3)`` of one shot with landmarks ``points (f, k, 2|3)``."""
    if template not in TEMPLATES:
        known = ", ".join(sorted(TEMPLATES))
        raise BadUsage(f"unknown template {template!r}", hint=f"known: {known}")
    return TEMPLATES[template](points, scheme, size, frame_size)


def square(points: Array, scheme: str, size: int, frame_size: tuple[int, int]) -> Array:
    """Upright square crops of the head as in FFHQ, turned and zoomed with the face."""
    target = np.asarray(SQUARE) * size - 0.5
    return similarity(anchors(points, scheme), target, np.asarray(SQUARE_WEIGHTS))


def lip_sync(points: Array, scheme: str, size: int, frame_size: tuple[int, int]) -> Array:
    """LatentSync's crop of eyes to chin, squeezed to a square; its smoothing starts at the shot."""
    w, h = latentsync.crop_size(size)
    squeeze = np.array([[size / w, 0, (size / w - 1) / 2], [0, size / h, (size / h - 1) / 2]])
    rows, bias = [], None
    for three in triple(points, scheme):
        matrix, bias = latentsync.fit(three, size, bias)
        rows.append(compose(squeeze, matrix))
    return np.stack(rows)


def portrait(points: Array, scheme: str, size: int, frame_size: tuple[int, int]) -> Array:
    """One upright square of head and shoulders for the whole shot, inside the picture if it can."""
    boxes = box_of(points).astype(np.float64)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    height = float(np.percentile(boxes[:, 3] - boxes[:, 1], 90))
    centre = (middles.min(0) + middles.max(0)) / 2 - (0, PORTRAIT_RISE * height)
    travel = float((middles.max(0) - middles.min(0)).max())
    frame = np.asarray(frame_size, np.float64)
    side = PORTRAIT_SIDE * height + travel
    side = min(side, max(float(frame.min()), 1.5 * height + travel))
    fits = frame >= side
    inside = np.clip(centre, side / 2 - 0.5, np.maximum(frame - side / 2 - 0.5, side / 2 - 0.5))
    centre = np.where(fits, inside, (frame - 1) / 2)
    k = size / side
    matrix = np.array(
        [[k, 0, (size - 1) / 2 - k * centre[0]], [0, k, (size - 1) / 2 - k * centre[1]]]
    )
    return np.repeat(matrix[None], len(points), 0)


TEMPLATES: dict[str, Callable[[Array, str, int, tuple[int, int]], Array]] = {
    "square": square,
    "latentsync": lip_sync,
    "portrait": portrait,
}
