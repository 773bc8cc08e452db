"""Colours of skin, teeth and the mouth's inside, taken from the photo's own light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.shape import FaceShape

Array = NDArray[Any]

LUMA = np.array([0.299, 0.587, 0.114])  # of RGB
CHEEKS = (50, 280, 205, 425, 117, 346)
AROUND_MOUTH = (0, 17, 18, 164)
# RGB as shares of the skin's luminance.
SKIN = np.array([1.15, 0.96, 0.85])  # in white light
BRIGHTEST = 240.0
PALE = 0.45  # colour difference of red lips and skin, over the skin's luminance
CAST = 0.5  # how much of the skin's own deviation from it counts as the scene's light
TOOTH, CAVITY = (1.50, 1.46, 1.37), (0.12, 0.065, 0.065)
TONGUE = (0.64, 0.35, 0.35)


@dataclass(frozen=True)
class Tones:
    """RGB 0..255 ``(3,)`` of each tissue; ``pallor`` 1 for lips as pale as the skin, 0 for red."""

    lip: Array
    tooth: Array
    cavity: Array
    tongue: Array
    pallor: float


def _medians(image: Array, where: Array, radius: int) -> Array:
    """Mean colour ``(k, 3)`` of a small square about each of ``where (k, 2)``."""
    soft = cv2.blur(image, (2 * radius + 1, 2 * radius + 1))
    high = np.array(image.shape[1::-1]) - 1
    x, y = np.clip(np.round(where).astype(int), 0, high).T
    return soft[y, x].astype(np.float64)


def own_teeth(inside: Array, light: float) -> Array | None:
    """The photo's own tooth colour ``(3,)`` among the colours ``(n, 3)`` in its mouth, if any."""
    if len(inside) < 30:
        return None
    values = inside.astype(np.float64)
    luminance = values @ LUMA
    bright = values[luminance >= np.quantile(luminance, 0.7)].mean(0)
    return bright if bright @ LUMA > 0.55 * light else None


def face_tones(image: Array, shape: FaceShape, inside: Array) -> Tones:
    """Tones of the face in ``image (h, w, 3)``; ``inside (n, 3)`` are colours seen in its mouth.

    Hues are scaled by how saturated the lips and the skin are: a grey photo gets a grey tongue.
    """
    radius = max(1, round(0.03 * shape.unit))
    skin = np.median(_medians(image, shape.points[list(CHEEKS), :2], radius), 0)
    rows = mesh.UPPER_LIP_ROWS[2][3:8] + mesh.LOWER_LIP_ROWS[2][3:8]
    lips = np.median(_medians(image, shape.points[list(rows), :2], 1), 0)
    chroma = float(np.clip(max(np.ptp(lips), np.ptp(skin)) / 60.0, 0, 1))
    cheek = float(skin @ LUMA)
    mouth = float(np.median(_medians(image, shape.points[list(AROUND_MOUTH), :2], 1) @ LUMA))
    light = 0.5 * cheek + 0.5 * max(mouth, 0.6 * cheek)

    # What light the scene has: skin of every shade keeps about the same hue.
    cast = (skin / max(cheek, 1.0) / SKIN) ** CAST
    cast /= cast @ LUMA

    def tone(shares: tuple[float, float, float]) -> Array:
        colour = np.array(shares) * cast * light
        grey = colour @ LUMA
        return np.clip(grey + (colour - grey) * chroma, 0, BRIGHTEST)

    tooth = own_teeth(inside, light)
    return Tones(
        lip=lips,
        tooth=tone(TOOTH) if tooth is None else tooth,
        cavity=tone(CAVITY),
        tongue=tone(TONGUE),
        pallor=float(np.clip(1 - np.linalg.norm(lips - skin) / (PALE * max(cheek, 1.0)), 0, 1)),
    )
