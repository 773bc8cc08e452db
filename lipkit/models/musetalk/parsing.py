"""Masks of the part of a face that is drawn anew, from what a face parsing network names.

Labels are those of CelebAMask-HQ; masks are 0 and 255 at the labels' own 512 pixels, to which all
sizes below belong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SKIN, NOSE, MOUTH, UPPER_LIP, LOWER_LIP, NECK = 1, 10, 11, 12, 13, 14
LIPS = (MOUTH, UPPER_LIP, LOWER_LIP)
REACH_UP, REACH_DOWN, REACH_ASIDE = 6, 16, 10  # of the dilation's kernel around its middle
CHEEKS = (90, 90)  # pixels from the middle, to the left and right, within which nothing is eroded

Mode = Literal["raw", "neck", "jaw"]


def parsed(labels: Array, mode: Mode = "jaw", cheeks: tuple[int, int] = CHEEKS) -> Array:
    """The mask ``(h, w)`` of ``labels (h, w)``: raw is skin and mouth, neck has the neck as well.

    jaw grows the skin beyond the jaw but not beyond the cheeks, and spares the nose.
    """
    if mode != "jaw":
        kept = (SKIN, *LIPS, *([NECK] if mode == "neck" else []))
        return white(np.isin(labels, kept))
    grown = cv2.dilate(white(labels == SKIN), dilation())
    narrowed = cv2.erode(grown, erosion(), iterations=2)
    aside = beside(labels.shape, cheeks) > 0
    face = np.where(aside, narrowed, grown) > 0
    return white((face & (labels != NOSE)) | np.isin(labels, LIPS))


def white(chosen: Array) -> Array:
    """255 where ``chosen``, else 0."""
    return chosen.astype(np.uint8) * 255


def dilation() -> Array:
    """The kernel ``(33, 33)`` of the dilation: a roof over a column."""
    side = 2 * REACH_DOWN + 1
    kernel = np.zeros((side, side), np.uint8)
    middle = side // 2
    for row in range(middle - REACH_UP, side):
        half = min(row - (middle - REACH_UP), REACH_ASIDE)
        kernel[row, middle - half : middle + half + 1] = 1
    return kernel


def erosion() -> Array:
    """The kernel ``(3, 35)`` that takes away at the sides."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 3)))


def beside(shape: tuple[int, ...], cheeks: tuple[int, int]) -> Array:
    """The mask ``(h, w)`` of what lies beside the middle, further than ``cheeks`` to each side."""
    across = np.arange(shape[1]) - shape[1] // 2
    outside = (across <= -cheeks[0]) | (across >= cheeks[1])
    return np.broadcast_to(white(outside), shape)
