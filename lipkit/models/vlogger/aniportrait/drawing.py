"""Faces as coloured lines, the pictures that AniPortrait's networks are told poses by."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces.mesh import (
    LEFT_BROW,
    LEFT_EYE,
    LOWER_LIP_ROWS,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    UPPER_LIP_ROWS,
)

Array = NDArray[Any]
Line = tuple[tuple[int, ...], tuple[int, int, int]]  # points one after the other, and a colour

CANVAS = 512
THICKNESS = 2


def halves(row: tuple[int, ...], *colours: tuple[int, int, int]) -> list[Line]:
    """A lip's row as two lines that meet in its middle."""
    middle = len(row) // 2
    return [(row[: middle + 1], colours[0]), (row[middle:], colours[1])]


# Later lines lie over earlier ones, and each runs in the direction in which the networks saw it
# drawn: the two ways of a line differ by pixels.
JAW: Line = (OVAL[5:32], (10, 200, 10))
FOREHEAD: Line = (OVAL[31:] + OVAL[:6], (10, 200, 10))
FEATURES: tuple[Line, ...] = (
    (RIGHT_EYE.lower[::-1], (180, 200, 10)),
    (RIGHT_EYE.upper[::-1], (180, 200, 10)),
    (RIGHT_BROW[5:], (180, 220, 10)),
    (RIGHT_BROW[4::-1], (180, 220, 10)),
    (LEFT_EYE.lower, (10, 200, 180)),
    (LEFT_EYE.upper, (10, 200, 180)),
    (LEFT_BROW[:4:-1], (10, 220, 180)),
    (LEFT_BROW[:5], (10, 220, 180)),
    *halves(LOWER_LIP_ROWS[3], (10, 180, 20), (20, 10, 180)),
    *halves(LOWER_LIP_ROWS[0], (100, 100, 30), (100, 150, 50)),
    *halves(UPPER_LIP_ROWS[3], (20, 80, 100), (80, 100, 20)),
    *halves(UPPER_LIP_ROWS[0], (120, 100, 200), (150, 120, 100)),
)


def draw(points: Array, size: tuple[int, int], *, forehead: bool = False) -> Array:
    """The picture ``(h, w, 3)`` of landmarks ``points (468, 2)`` in shares of a picture.

    ``size`` is width first. The canvas is always 512 x 512 and then resized, so that lines have the
    thickness that the networks know. Lines to points outside are left out.
    """
    canvas = np.zeros((CANVAS, CANVAS, 3), np.uint8)
    shares = points.astype(np.float32).astype(np.float64)  # landmarks travel as 32-bit numbers
    inside = ((shares >= 0) & ((shares < 1) | np.isclose(shares, 1, rtol=1e-9, atol=0))).all(1)
    # points outside may be no numbers at all; their places are never read
    places = np.minimum(np.where(inside[:, None], shares, 0) * CANVAS, CANVAS - 1).astype(int)
    for line, colour in (JAW, *((FOREHEAD,) if forehead else ()), *FEATURES):
        for start, end in pairwise(line):
            if inside[start] and inside[end]:
                cv2.line(canvas, places[start].tolist(), places[end].tolist(), colour, THICKNESS)
    return cv2.resize(canvas, size)
