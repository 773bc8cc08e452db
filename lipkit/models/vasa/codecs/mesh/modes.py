"""How a face deforms when it speaks: measured constants, spread over any face's mesh.

``MEASURED`` holds linear regressions of tracked landmarks on aperture and mouth width over 25 real
speakers, head motion removed, left and right averaged. Every face gets its own dense modes by a
thin-plate spline through these few points, once with the upper lip's and once with the lower
lip's: the two sides of the mouth move apart, so one smooth field could not carry both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import NATURAL_JAW

Array = NDArray[Any]

# point: ((x, y, z) per aperture, (x, y, z) per width), face-local axes; x of the image-left side.
MEASURED = {
    13: ((0, -0.11, -0.11), (0, -0.34, 0.12)),
    14: ((0, 0.92, 0.06), (0, -0.35, 0.09)),
    0: ((0, -0.08, -0.08), (0, -0.26, 0.12)),
    17: ((0, 0.88, 0.13), (0, -0.43, 0)),
    61: ((0, 0.28, 0), (-0.50, -0.45, 0.27)),
    18: ((0, 0.60, 0.17), (0, -0.29, -0.07)),
    200: ((0, 0.51, 0.19), (0, -0.23, -0.09)),
    152: ((0, 0.44, 0.12), (0, -0.18, -0.06)),
    148: ((0, 0.40, 0.11), (0, -0.15, -0.05)),
    176: ((0, 0.34, 0.08), (0, -0.12, -0.02)),
    150: ((0, 0.21, 0), (0, -0.06, 0)),
    172: ((0, 0.12, -0.16), (0, 0, 0)),
    # Cheeks between nose and mouth corner: chosen by eye, so that the fold beside a smile follows.
    205: ((0, 0.05, 0), (-0.14, -0.10, 0.06)),
}
# Share of the chin's drop that each point takes when the jaw moves on its own, lips as they are.
JAW_SHARE = {17: 0.35, 18: 0.72, 200: 1.0, 152: 1.0, 148: 0.92, 176: 0.78, 150: 0.48, 172: 0.25}
MIRRORED = {61: 291, 148: 377, 176: 400, 150: 379, 172: 397, 205: 425, 78: 308}
CORNER_POWER = (3.0, 2.5)  # upper and lower lip: how late along the lip its corner's motion sets in
STILL = (
    10, 67, 297, 109, 338, 105, 334, 33, 133, 362, 263, 145, 374, 23, 253, 168, 6, 4, 1, 2, 98, 327,
    50, 280, 117, 346, 127, 356, 234, 454, 93, 323, 132, 361,
)  # fmt: skip
ROW_FOLLOWS = (1.0, 0.95, 0.9, 0.8)  # how far each lip row follows a correction of the inner one
LOWER_SHARE = 0.6  # of a correction of the gap; the upper lip takes the rest
PRESS_ROWS = (0.0, 0.15, 0.30, 0.42)  # share of its way to the inner contour, lips rolled in
BROW_LIFT = 0.05


@dataclass(frozen=True)
class Modes:
    """Landmark displacements ``(478, 3)`` in IOD per unit of each coefficient.

    ``opening`` is per aperture with the chin held, ``jaw`` per chin drop with the lips held;
    ``profile (11,)`` is the lips' gap along the mouth per unit of aperture.
    """

    opening: Array
    jaw: Array
    width: Array
    brow: Array
    profile: Array


def _sparse(values: dict[int, Array]) -> dict[int, Array]:
    """Both sides of the face from values of the image-left one."""
    flip = np.array([-1, 1, 1])
    return values | {MIRRORED[i]: v * flip for i, v in values.items() if i in MIRRORED}


def _along_mouth(local: Array) -> Array:
    """Place of each column of the lips ``(11,)``, -1 at the image-left corner to 1."""
    middle = (local[list(mesh.UPPER_LIP_ROWS[0]), 0] + local[list(mesh.LOWER_LIP_ROWS[0]), 0]) / 2
    return np.clip(2 * (middle - middle[0]) / (middle[-1] - middle[0]) - 1, -1, 1)


def _lip(local: Array, values: dict[int, Array], upper: bool) -> dict[int, Array]:
    """Displacements of all points of one lip from those of its middle and its corners."""
    rows = mesh.UPPER_LIP_ROWS if upper else mesh.LOWER_LIP_ROWS
    late = np.abs(_along_mouth(local))[:, None] ** CORNER_POWER[0 if upper else 1]
    inner, outer = (values[i] for i in ((13, 0) if upper else (14, 17)))
    left, right = values[mesh.MOUTH_LEFT], values[mesh.MOUTH_RIGHT]
    corner = np.where(np.arange(11)[:, None] < 5, left, right)
    moved = {}
    for number, row in enumerate(rows):
        middle = inner + number / 3 * (outer - inner)
        column = middle + (corner - middle) * late
        # Sideways a lip stretches evenly.
        column[:, 0] = corner[:, 0] * np.abs(_along_mouth(local))
        moved |= dict(zip(row, column, strict=True))
    return moved


def _dense(local: Array, values: dict[int, Array], below: Array) -> Array:
    """Displacements ``(478, 3)`` through ``values``; ``below (478,)`` weighs the lower side."""
    still = {i: np.zeros(3) for i in STILL}
    lips = {13, 14, 0, 17}
    sides = []
    for upper in (True, False):
        known = {i: v for i, v in values.items() if i not in lips and (i != 18 or not upper)}
        known |= _lip(local, values, upper) | still
        rows = list(known)
        targets = np.stack([known[i] for i in rows])
        spline = RBFInterpolator(
            local[rows, :2], targets, kernel="thin_plate_spline", smoothing=1e-5
        )
        sides.append(spline(local[:, :2]))
    return sides[0] + below[:, None] * (sides[1] - sides[0])


def _below_mouth(local: Array) -> Array:
    """Weight ``(478,)`` of the lower side: 0 above the line through the mouth corners, 1 below."""
    left, right = local[mesh.MOUTH_LEFT], local[mesh.MOUTH_RIGHT]
    slope = (right[1] - left[1]) / (right[0] - left[0])
    height = local[:, 1] - (left[1] + slope * (local[:, 0] - left[0]))
    weight = np.clip(height / 0.08 + 0.5, 0, 1)
    weight[list(mesh.UPPER_LIP)], weight[list(mesh.LOWER_LIP)] = 0, 1
    return weight


def gap_profile(local: Array) -> Array:
    """Gap of opening lips ``(11,)`` along the inner rows: 1 in the middle, 0 at the corners."""
    along = np.abs(_along_mouth(local))
    lift, drop = -MEASURED[13][0][1], MEASURED[14][0][1]
    corner = MEASURED[mesh.MOUTH_LEFT][0][1]
    shape = (lift + corner) * (1 - along ** CORNER_POWER[0])
    shape += (drop - corner) * (1 - along ** CORNER_POWER[1])
    return shape / shape[mesh.LIP_CENTRE].mean()


def gap_correction(gaps: Array) -> Array:
    """Landmark displacements ``(478, 3)`` that widen the inner lips' gap by ``gaps (11,)``."""
    moved = np.zeros((mesh.POINTS, 3))
    gaps = np.concatenate([[0], gaps[1:-1], [0]])
    for lower, upper, follow in zip(
        mesh.LOWER_LIP_ROWS, mesh.UPPER_LIP_ROWS, ROW_FOLLOWS, strict=True
    ):
        moved[list(lower), 1] += LOWER_SHARE * follow * gaps
        moved[list(upper), 1] -= (1 - LOWER_SHARE) * follow * gaps
    return moved


def row_gaps(values: Array) -> Array:
    """Vertical distance of the inner lip rows ``(11,)`` in local points or displacements."""
    return values[list(mesh.LOWER_LIP_ROWS[0]), 1] - values[list(mesh.UPPER_LIP_ROWS[0]), 1]


def face_modes(local: Array) -> Modes:
    """The modes of the face with face-local points ``local (478, 3)``."""
    below = _below_mouth(local)
    per_aperture = _sparse({i: np.array(v[0], float) for i, v in MEASURED.items()})
    per_width = _sparse({i: np.array(v[1], float) for i, v in MEASURED.items()})
    down = MEASURED[mesh.CHIN][0] / np.float64(NATURAL_JAW)
    drop = {i: np.zeros(3) for i in (13, 14, 0, 61, 205)}
    jaw = _dense(local, _sparse(drop | {i: s * down for i, s in JAW_SHARE.items()}), below)
    whole = _dense(local, per_aperture, below)
    brow = np.zeros((mesh.POINTS, 3))
    brow[list(mesh.LEFT_BROW + mesh.RIGHT_BROW), 1] = -BROW_LIFT
    return Modes(
        opening=whole - NATURAL_JAW * jaw,
        jaw=jaw,
        width=_dense(local, per_width, below),
        brow=brow,
        profile=gap_profile(local),
    )


def press_mode(local: Array) -> Array:
    """Displacements ``(478, 3)`` that roll the lips in, each row towards its inner contour."""
    moved = np.zeros((mesh.POINTS, 3))
    for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS):
        inner = local[list(rows[0])]
        for row, share in zip(rows, PRESS_ROWS, strict=True):
            moved[list(row)] = share * (inner - local[list(row)])
    return moved
