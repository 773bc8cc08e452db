"""Teeth that a tracker overlooked: some toothy smiles are tracked as closed mouths.

Parting such a mouth at the tracked seam would let the teeth ride on the lower lip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh

Array = NDArray[Any]

COLUMNS = range(2, 9)  # of the lip rows
SAMPLES = 48  # from the upper lip's outer edge to the lower one's
THINNEST, THICKEST = 0.02, 0.14  # IOD
SIDE = 0.02  # IOD of lip beside a band that it is compared with
CONTRAST = 0.10  # of a band against the lips beside it, over the skin's luminance
PALER = (0.55, 0.85)  # saturation over that of the lips: surely teeth up to, surely gloss above
COLOURFUL = 40  # HSV saturation from which the lips' colour can be trusted
BRIGHT, UNSHADED = 0.80, 0.14  # over the skin's luminance: teeth in photos without colour
CHEEKS = (50, 280, 205, 425)


@dataclass(frozen=True)
class Band:
    """The brightest band across one column of the lips, as samples ``top <= i < bottom``."""

    top: int
    bottom: int
    contrast: float


def find_band(values: Array, step: float) -> Band:
    """The band of ``values (n,)`` that stands out most from both sides; ``step`` IOD a sample."""
    total = np.concatenate([[0], np.cumsum(values)])
    side = max(2, round(SIDE / step))
    best, quality = Band(0, 1, 0.0), 0.0
    for top in range(side, len(values) - side - 1):
        lowest = top + max(2, round(THINNEST / step))
        highest = min(len(values) - side, top + round(THICKEST / step))
        for bottom in range(lowest, highest + 1):
            inside = (total[bottom] - total[top]) / (bottom - top)
            above = (total[top] - total[top - side]) / side
            below = (total[bottom + side] - total[bottom]) / side
            contrast = inside - max(above, below)
            if contrast * (bottom - top) ** 0.25 > quality:
                quality = contrast * (bottom - top) ** 0.25
                best = Band(top, bottom, float(contrast))
    return best


def find_teeth(image: Array, points: Array, sure: bool = False) -> Array | None:
    """Points with the inner lips around a band of teeth; None where no teeth show.

    ``image (h, w, 3)`` RGB, ``points (478, 3)`` in its pixels, tracked as a closed mouth; ``sure``
    takes the brightest band for teeth without further proof.
    """
    unit = float(np.linalg.norm(points[mesh.LEFT_CORNER] - points[mesh.RIGHT_CORNER]))
    upper = points[[mesh.UPPER_LIP_ROWS[3][c] for c in COLUMNS], :2]
    lower = points[[mesh.LOWER_LIP_ROWS[3][c] for c in COLUMNS], :2]
    along = np.linspace(0, 1, SAMPLES)[None, :, None]
    where = upper[:, None] + along * (lower - upper)[:, None]
    soft = cv2.GaussianBlur(image, (0, 0), max(0.4, 0.006 * unit))
    colours = cv2.remap(soft, where.astype(np.float32), None, cv2.INTER_LINEAR)
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY).astype(np.float64)
    steps = np.linalg.norm(lower - upper, axis=1) / SAMPLES / unit
    bands = [find_band(row, step) for row, step in zip(grey, steps, strict=True)]
    skin = _skin_luminance(image, points)
    if sure:
        return _opened(points, where, bands)
    if np.median([band.contrast for band in bands]) < CONTRAST * skin:
        return None
    saturation = cv2.cvtColor(colours, cv2.COLOR_RGB2HSV)[..., 1].astype(np.float64)
    if not _are_teeth(bands, grey / skin, saturation, steps):
        return None
    return _opened(points, where, bands)


def _skin_luminance(image: Array, points: Array) -> float:
    high = np.array(image.shape[1::-1]) - 1
    x, y = np.clip(np.round(points[list(CHEEKS), :2]).astype(int), 0, high).T
    grey = cv2.blur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (5, 5))
    return max(float(np.median(grey[y, x])), 1.0)


def _are_teeth(bands: list[Band], grey: Array, saturation: Array, steps: Array) -> bool:
    """Whether bright bands are teeth and not the gloss of a lower lip.

    Where lips have colour, teeth lack it. Otherwise the light must tell: gloss lies below the dark
    seam of closed lips, while teeth begin right under the upper lip, are about as bright as skin,
    and go on from column to column.
    """
    middle = [(band.top + band.bottom) // 2 for band in bands]
    lip = float(np.median(np.concatenate([saturation[:, 6], saturation[:, -10]])))
    if lip >= COLOURFUL:
        pale = float(np.median([row[m] for row, m in zip(saturation, middle, strict=True)]))
        if pale <= PALER[0] * lip or pale > PALER[1] * lip:
            return pale <= PALER[0] * lip
    inside, shade, shown = [], [], []
    for row, band, step in zip(grey, bands, steps, strict=True):
        reach = max(2, round(2 * SIDE / step))
        above = row[max(0, band.top - reach) : max(band.top, 1)]
        inside.append(row[band.top : band.bottom].mean())
        shade.append(np.median(row[: max(band.top, 1)]) - above.min())
        shown.append(band.contrast / max(float(row.max()), 1e-3) > CONTRAST / 2)
    return bool(np.median(inside) > BRIGHT and np.median(shade) < UNSHADED and np.mean(shown) > 0.8)


def _opened(points: Array, where: Array, bands: list[Band]) -> Array:
    """``points`` with the inner lip rows on the edges of the bands."""
    moved = points.copy()
    edges = (
        (mesh.UPPER_LIP_ROWS[0], [row[band.top] for row, band in zip(where, bands, strict=True)]),
        (
            mesh.LOWER_LIP_ROWS[0],
            [row[band.bottom] for row, band in zip(where, bands, strict=True)],
        ),
    )
    for row, places in edges:
        padded = np.pad(np.array(places), ((1, 1), (0, 0)), mode="edge")
        moved[list(row[2:9]), :2] = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        moved[row[1], :2] = (moved[row[0], :2] + moved[row[2], :2]) / 2
        moved[row[9], :2] = (moved[row[10], :2] + moved[row[8], :2]) / 2
    return moved
