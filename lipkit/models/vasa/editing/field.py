"""Where each pixel of a new mouth comes from: two smooth fields over the lower face.

Both are thin-plate splines through the face's landmarks where they are to be, so they point
backwards and need no inversion. Upper and lower lip move apart: each field knows one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.warp import (
    Box,
    box_around,
    grid_of,
    smoothstep,
    thin_plate,
)

Array = NDArray[Any]

MARGINS = (0.5, 0.26, 0.56)  # IOD beside, above and below the lips that may move
CHIN_MARGIN = 0.3  # IOD below the chin
RIM = 0.14  # IOD over which motion dies at the box's border
STEP = 0.025  # IOD between grid points
SMOOTHING = 3e-5  # of the splines: less than what parts the rows of a lip
SMALLEST = 12  # pixels a side of a box worth editing
# Landmarks that carry the fields beside the lips: nose, cheeks and jaw. Those next to the lips are
# left out: the tracker measures lips by a net of their own, which may disagree with its mesh.
AROUND = (
    2, 98, 327, 205, 425, 206, 426, 207, 427, 214, 434, 210, 430, 211, 431, 152, 148, 377, 176, 400,
    149, 378, 150, 379, 136, 365, 172, 397, 58, 288,
)  # fmt: skip
STILL = (1, 4, 50, 280, 117, 346, 93, 323, 132, 361)
NECK = (172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397)
NECK_FOLLOWS = ((1.25, 0.3), (1.7, 0.0))  # enlarged jaw line and its share of the jaw's motion


@dataclass(frozen=True)
class Fields:
    """Source positions ``(h, w, 2)`` in pixels of the box, for what lies above and below."""

    upper: Array
    lower: Array


def mouth_box(points: Array, unit: float, size: tuple[int, int]) -> Box | None:
    """The part of a frame of ``size (w, h)`` that an edit may touch; None if it is out of view."""
    rows = mesh.UPPER_LIP_ROWS[3] + mesh.LOWER_LIP_ROWS[3]
    lips = points[list(rows), :2]
    side, top, bottom = (unit * margin for margin in MARGINS)
    to_chin = float(points[mesh.CHIN, 1] - lips[:, 1].max()) + CHIN_MARGIN * unit
    low, high = lips.min(0), lips.max(0)
    if (high < 0).any() or (low > np.array(size) - 1).any():
        return None
    box = box_around(lips, (side, top, max(bottom, to_chin)), size)
    return box if min(box.width, box.height) >= SMALLEST else None


def _controls(source: Array, target: Array) -> tuple[Array, Array]:
    """The two rings about the jaw, before and after."""
    centre = (source[mesh.FOREHEAD] + source[mesh.CHIN]) / 2
    jaw = source[list(NECK)]
    shift = (target - source)[list(NECK)]
    before = [centre + grown * (jaw - centre) for grown, _ in NECK_FOLLOWS]
    after = [ring + share * shift for ring, (_, share) in zip(before, NECK_FOLLOWS, strict=True)]
    return np.concatenate(before), np.concatenate(after)


def mouth_fields(source: Array, target: Array, unit: float, box: Box) -> Fields:
    """Fields that bring landmarks ``source (478, 2)`` to ``target``; still at the box's border."""
    local = Box(0, 0, box.width, box.height)
    grid = grid_of(local, max(1.5, STEP * unit))
    places = grid.reshape(-1, 2) / unit
    rings = _controls(source, target)
    maps = []
    for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS):
        kept = list(dict.fromkeys([i for row in rows for i in row])) + list(AROUND + STILL)
        before = np.concatenate([source[kept], rings[0]])
        after = np.concatenate([target[kept], rings[1]])
        back = thin_plate(after / unit, before - after, places, SMOOTHING)
        back = back.reshape(grid.shape) * _rim(grid, local, unit)
        size = (box.width, box.height)
        wide = cv2.resize(back.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        maps.append(wide + local.pixels)
    return Fields(*maps)


def _rim(grid: Array, box: Box, unit: float) -> Array:
    """Weight ``(h, w, 1)`` of the motion: 0 at the border of ``box``, 1 inside."""
    x, y = grid[0, :, 0], grid[:, 0, 1]
    near = 0.02 * unit
    across = smoothstep(np.minimum(x, box.width - 1 - x), near, RIM * unit)
    down = smoothstep(np.minimum(y, box.height - 1 - y), near, RIM * unit)
    return np.asarray(down[:, None] * across[None])[..., None]
