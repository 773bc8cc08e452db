"""Where a mouth is hidden: a hand, a microphone or a cup in front of it has other colours."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.tones import LUMA
from lipkit.models.vasa.editing.donor import skin_light

Array = NDArray[Any]

A_SECOND = 5.0  # looks
MOST = 600  # looks at a clip
FEW = 8  # looks from which a clip's usual colours are known
# How far lips may be from their usual colour, in shares of the skin's luminance: this, or so many
# times the usual deviation.
ODD, ODD_TIMES = 0.22, 4.5
WIDTHS, WIDEST = (0.25, 1.0), 0.7  # IOD: mouths narrower, wider or wider open are mistracked
CUPID = (0, 37, 267, 39, 269, 17, 84, 314, 181, 405)  # outer lips at the middle
INSET = 0.3  # of the way from there to the inner lips, where the lip's colour is read


def plausible(points: Array) -> Array:
    """Frames ``(f,)`` of ``points (f, 478, 3)`` whose lips lie as lips can."""
    width, aperture = mesh.width(points), mesh.aperture(points)
    return (width > WIDTHS[0]) & (width < WIDTHS[1]) & (aperture < WIDEST)


def looks(valid: Array, fps: float) -> list[int]:
    """Frames with a face, ascending and evenly spread, that are enough to look at."""
    rows = np.flatnonzero(valid)
    step = max(1, round(fps / A_SECOND), -(-len(rows) // MOST))
    return rows[::step].tolist()


def lip_tint(image: Array, points: Array, unit: float) -> Array:
    """Colour of the lips less that of the skin, over the skin's luminance, ``(3,)``."""
    inner = {
        o: i
        for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS)
        for o, i in zip(rows[3], rows[0], strict=True)
    }
    outer = points[list(CUPID), :2]
    where = outer + INSET * (points[[inner[i] for i in CUPID], :2] - outer)
    soft = cv2.GaussianBlur(image, (0, 0), max(0.5, 0.015 * unit))
    high = np.array(image.shape[1::-1]) - 1
    x, y = np.clip(np.round(where).astype(int), 0, high).T
    skin = skin_light(image, points, unit)
    return np.asarray((np.median(soft[y, x], 0) - skin) / max(float(skin @ LUMA), 1.0))


def hidden_looks(tints: Array) -> Array:
    """Which looks ``(n,)`` show something else than the lips, by ``tints (n, 3)``."""
    if len(tints) < FEW:
        return np.zeros(len(tints), bool)
    usual = np.median(tints, axis=0)
    away = np.linalg.norm(tints - usual, axis=1)
    return away > max(ODD, ODD_TIMES * float(np.median(away)))


def hidden_frames(tints: dict[int, Array], count: int) -> Array:
    """Frames ``(count,)`` that may hide the mouth, by ``lip_tint`` of some of them.

    Nobody looked between two looks, so what lies beside a hidden one counts as hidden too.
    """
    rows = np.array(sorted(tints), int)
    hidden = hidden_looks(np.array([tints[row] for row in rows]))
    if not hidden.any():
        return np.zeros(count, bool)
    places = np.arange(count)
    after = np.clip(np.searchsorted(rows, places), 0, len(rows) - 1)
    before = np.clip(np.searchsorted(rows, places, side="right") - 1, 0, len(rows) - 1)
    return np.asarray(hidden[after] | hidden[before])
