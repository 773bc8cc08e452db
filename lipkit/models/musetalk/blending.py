"""How the official code pastes a face: by a blurred mask in a square around the face's box.

With video it does so twice: at once, or by a mask kept from a preparation, which is blurred more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Box = tuple[int, int, int, int]

EXPAND = 1.5  # of the box's longer side
BLUR, BLUR_PREPARED = 0.05, 0.1  # of the square's side
UPPER = 0.5  # share of the square's height, from its top, that stays as it is


def square_around(box: Box, expand: float = EXPAND) -> Box:
    """The square x0 y0 x1 y1 around the middle of a box; it may leave the picture."""
    x0, y0, x1, y1 = box
    x, y = (x0 + x1) // 2, (y0 + y1) // 2
    half = int(max(x1 - x0, y1 - y0) // 2 * expand)
    return x - half, y - half, x + half, y + half


def prepared(
    parsed: Array, box: Box, square: Box, upper: float = UPPER, blur: float = BLUR
) -> Array:
    """The mask ``(s, s)`` uint8 of a face in its square, from the mask ``parsed`` of the square.

    Nothing outside the face's box or in the ``upper`` share of the square, then blurred.
    """
    side = (square[2] - square[0], square[3] - square[1])
    resized = np.asarray(Image.fromarray(parsed).resize(side))
    x0, y0 = box[0] - square[0], box[1] - square[1]
    x1, y1 = box[2] - square[0], box[3] - square[1]
    mask = np.zeros_like(resized)
    mask[y0:y1, x0:x1] = resized[y0:y1, x0:x1]
    mask[: int(side[1] * upper)] = 0
    size = int(blur * side[0] // 2 * 2) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), 0))


def blended(picture: Array, face: Array, box: Box, mask: Array, square: Box) -> Array:
    """A copy of ``picture (h, w, 3)`` with ``face``, as large as its box, put in by its mask."""
    height, width = picture.shape[:2]
    layer = picture.copy()
    x0, y0, x1, y1 = within(box, width, height)
    layer[y0:y1, x0:x1] = face[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]]
    x0, y0, x1, y1 = within(square, width, height)
    share = mask[y0 - square[1] : y1 - square[1], x0 - square[0] : x1 - square[0]]
    share = share.astype(np.float32)[..., None] / 255
    mixed = layer[y0:y1, x0:x1] * share + picture[y0:y1, x0:x1] * (1 - share)
    made = picture.copy()
    made[y0:y1, x0:x1] = np.rint(mixed).astype(picture.dtype)
    return made


def softened(face: Array, matrix: Array) -> Array:
    """The mask ``(h, w)`` 0..1 of a crop whose parts in ``face (h, w)`` 0..1 are drawn anew.

    What `prepared` makes of it, in the crop itself; ``matrix (2, 3)`` tells how the box became a
    square crop. The blur reaches beyond the box, where there is nothing to paste.
    """
    height, width = face.shape
    across, down = matrix[0, 0], matrix[1, 1]
    side = EXPAND * max(width / across, height / down)
    mask = face.astype(np.float32)
    mask[: round(height / 2 - (0.5 - UPPER) * side * down)] = 0
    size = int(BLUR * side // 2 * 2) + 1
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8  # which cv2 takes for a kernel of this size
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma * across, sigmaY=sigma * down))


def within(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies in a picture."""
    x0, y0, x1, y1 = box
    return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
