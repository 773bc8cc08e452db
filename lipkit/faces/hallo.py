"""Where a face and its lips are for Hallo and EMO: boxes, soft masks of four sizes, face regions.

Number for number what Hallo's weights were trained with, and used by EMO as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from PIL import Image as Pictures

from lipkit.errors import BadInput
from lipkit.faces.landmarks import SCHEMES
from lipkit.faces.mesh import OVAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

ENOUGH = 6  # points of a contour
HINT = "use --tracker mediapipe"
SOFT = 64  # side of the soft masks, whatever the picture's
FACE_BLUR, LIP_BLUR = 51, 31  # kernels of the blur that softens them
WIDER = 1.6  # how much longer a side of the face region is made to let the head swing or nod


@dataclass(frozen=True)
class Masks:
    """Soft masks ``(64, 64)`` uint8 of what sound may move: around the face, the face, the lips."""

    full: Array
    face: Array
    lip: Array

    def levels(self, side: int, count: int = 4) -> list[list[Array]]:
        """For each of the three, masks ``(1, l)`` in 0..1 of each level of a UNet.

        The first level is of ``side * side`` latents.
        """
        return [
            [level(mask, -(-side // 2**k)) for k in range(count)]
            for mask in (self.full, self.face, self.lip)
        ]


def parts(points: Array, scheme: str) -> tuple[Array, Array]:
    """The points ``(..., k, 2|3)`` that bound the face, and those that bound the lips.

    Only the mesh has the outline of a whole face; of other schemes, all points bound it. Raises
    BadInput where a scheme has no lips.
    """
    lips = SCHEMES[scheme].groups.get("outer_lips", ())
    if len(lips) < ENOUGH:
        raise BadInput(f"landmarks of {scheme} tell too little of the lips", hint=HINT)
    outline = points[..., list(OVAL), :] if scheme == "mediapipe478" else points
    return outline, points[..., list(lips), :]


def box(points: Array) -> tuple[int, int, int, int]:
    """Left, right, top and bottom pixel of points ``(k, 2)``."""
    low, high = np.round(points[:, :2].min(0)), np.round(points[:, :2].max(0))
    return int(low[0]), int(high[0]), int(low[1]), int(high[1])


def enlarged(
    sides: Sequence[int], size: tuple[int, int], ratio: float
) -> tuple[int, int, int, int]:
    """A box ``ratio`` times as large, pushed inward where it leaves a picture of ``size (w, h)``.

    A box that is larger than the picture begins before the picture does.
    """
    left, right = stretched(sides[0], sides[1], size[0], ratio)
    top, bottom = stretched(sides[2], sides[3], size[1], ratio)
    return left, right, top, bottom


def stretched(low: int, high: int, limit: int, ratio: float) -> tuple[int, int]:
    """One side of `enlarged`."""
    middle, half = (low + high) // 2, int((high - low) * ratio / 2)
    low, high = middle - half, middle + half
    if low < 0:
        low, high = 0, high - low
    if high > limit:
        low, high = low - (high - limit), limit
    return low, high


def filled(sides: Sequence[int], size: tuple[int, int], *, wrap: bool = False) -> Array:
    """A picture ``(h, w)`` uint8 of ``size (w, h)``: 255 within the box.

    ``wrap`` counts sides before the picture's beginning from its end, as Hallo's code does: of
    large faces it fills a strip in a corner.
    """
    left, right, top, bottom = sides
    if not wrap:
        left, top = max(left, 0), max(top, 0)
    picture = np.zeros((size[1], size[0]), np.uint8)
    picture[top:bottom, left:right] = 255
    return picture


def bounding(pictures: Array) -> Array:
    """The box around all that is filled in pictures ``(f, h, w)``, filled."""
    rows, columns = (np.flatnonzero(pictures.any((0, axis))) for axis in (2, 1))
    whole: Array = np.zeros(pictures.shape[1:], np.uint8)
    if len(rows):
        whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 255
    return whole


def soft(face: Array, lips: Array) -> Masks:
    """Masks from filled boxes ``(h, w)`` of face and lips."""
    blurred, lip = softened(face, FACE_BLUR), softened(lips, LIP_BLUR)
    around = ((1 - blurred / 255) * 255).astype(np.uint8)
    return Masks(around, cv2.subtract(blurred, lip), lip)


def softened(picture: Array, kernel: int) -> Array:
    """A filled box as a soft blot ``(64, 64)`` uint8 that uses the whole range."""
    small = cv2.resize(picture, (SOFT, SOFT), interpolation=cv2.INTER_LINEAR)
    blurred = cv2.GaussianBlur(small, (kernel, kernel), 0)
    spread = np.empty_like(blurred)
    return np.asarray(cv2.normalize(blurred, spread, 0, 255, cv2.NORM_MINMAX), np.uint8)


def level(mask: Array, side: int) -> Array:
    """A mask as one row ``(1, side * side)`` in 0..1."""
    return (resized(mask, side) / np.float32(255)).astype(np.float32).reshape(1, -1)


def resized(picture: Array, side: int) -> Array:
    """A picture ``(h, w)`` or ``(h, w, 3)`` uint8 as a square, whatever its shape was."""
    square = Pictures.fromarray(picture).resize((side, side), Pictures.Resampling.BILINEAR)
    return np.asarray(square)


def pixels(picture: Array, side: int) -> Array:
    """A picture ``(h, w, 3)`` uint8 as the networks see it: ``(3, side, side)`` in -1..1."""
    square = resized(picture, side).astype(np.float32) / np.float32(255)
    return np.ascontiguousarray((square.transpose(2, 0, 1) - np.float32(0.5)) / np.float32(0.5))


def region(face: Array, side: int) -> Array:
    """A filled box as the face locator sees it: ``(3, side, side)`` in 0..1."""
    square = resized(face, side).astype(np.float32) / np.float32(255)
    return np.repeat(square[None], 3, 0)


def allowed(
    sides: Sequence[int], size: tuple[int, int], how: Literal["box", "wide", "tall", "none"]
) -> Array:
    """Where the face may go, filled: its box, a wider or a taller one, or everywhere."""
    if how == "none":
        return np.full((size[1], size[0]), 255, np.uint8)
    left, right = sides[:2]
    top, bottom = sides[2:]
    if how == "wide":
        left, right = stretched(left, right, size[0], WIDER)
    if how == "tall":
        top, bottom = stretched(top, bottom, size[1], WIDER)
    return filled((left, right, top, bottom), size)
