"""Where the lips of a closed mouth meet: the darkest path between the corners."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh

Array = NDArray[Any]

REACH = 0.035  # IOD the seam may lie off the tracked contour
COLUMNS = 48


def _cheapest_path(cost: Array, jump: Array) -> Array:
    """Row of each column ``(n,)`` on the cheapest path through ``cost (n, m)``."""
    total, came = cost.copy(), np.zeros(cost.shape, int)
    for i in range(1, len(cost)):
        step = total[i - 1][None] + jump
        came[i] = step.argmin(1)
        total[i] += step.min(1)
    path = [int(total[-1].argmin())]
    for i in range(len(cost) - 1, 0, -1):
        path.append(int(came[i][path[-1]]))
    return np.array(path[::-1])


def find_seam(grey: Array, points: Array) -> Array:
    """Points with both inner lip contours moved onto the dark line between closed lips.

    ``grey (h, w)`` float32; ``points (478, 3)`` in its pixels. The tracked contour of a closed
    mouth is often some pixels off; parting the lips there would tear one of them.
    """
    unit = np.linalg.norm(points[mesh.LEFT_CORNER] - points[mesh.RIGHT_CORNER])
    upper, lower = (
        points[list(rows[0]), :2] for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS)
    )
    middle = (upper + lower) / 2
    span = middle[-1] - middle[0]
    length = np.linalg.norm(span)
    along = span / length
    down = np.array([-along[1], along[0]])
    where = (middle - middle[0]) @ along / length
    u = np.linspace(0.03, 0.97, COLUMNS)
    base = np.stack([np.interp(u, where, middle[:, k]) for k in (0, 1)], 1)
    offsets = np.arange(-REACH, REACH + 1e-4, 0.0025) * unit
    samples = (base[:, None] + offsets[None, :, None] * down).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), max(0.5, 0.008 * unit))
    values = cv2.remap(soft, samples, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cost = values / 12.0 + 0.6 * (offsets[None] / (0.02 * unit)) ** 2
    jump = 1.5 * ((offsets[:, None] - offsets[None]) / (0.006 * unit)) ** 2
    path = offsets[_cheapest_path(cost, jump)].astype(np.float32)
    path = cv2.GaussianBlur(path[None], (0, 0), 1.5)[0]
    seam = middle + np.interp(where, u, path)[:, None] * down
    moved = points.copy()
    for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS):
        moved[list(rows[0][1:-1]), :2] = seam[1:-1]
    return moved
