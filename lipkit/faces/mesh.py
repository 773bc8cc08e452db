"""FaceMesh's point rows, the face-local frame, and mouth, eye and pose tracks measured in it.

Picture axes: x right, y down, z away from the camera, all in pixels. Face-local axes: X through the
outer eye corners, Y down the face, Z = X x Y; origin midway between these corners; unit IOD, the
3-D distance of points 33 and 263 (about 90 mm on an adult). Every row runs from image-left to
image-right on an upright, unmirrored face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

POINTS = 478

# The four rows of each lip, from the inner contour to the outer; both lips share their corners.
UPPER_LIP_ROWS: tuple[tuple[int, ...], ...] = (
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
)
LOWER_LIP_ROWS: tuple[tuple[int, ...], ...] = (
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
)
UPPER_LIP = tuple(sorted(i for row in UPPER_LIP_ROWS for i in row[1:-1]))
LOWER_LIP = tuple(sorted(i for row in LOWER_LIP_ROWS for i in row[1:-1]))
LIP_CENTRE = slice(4, 7)  # the middle columns of a lip row


@dataclass(frozen=True)
class EyeRows:
    """Rows around one eye: the rims, rows outward from them, and the iris (centre first)."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    upper_lash: tuple[int, ...]
    upper_crease: tuple[int, ...]
    lower_lash: tuple[int, ...]
    iris: tuple[int, ...]


LEFT_EYE = EyeRows(
    upper=(33, 246, 161, 160, 159, 158, 157, 173, 133),
    lower=(33, 7, 163, 144, 145, 153, 154, 155, 133),
    upper_lash=(130, 247, 30, 29, 27, 28, 56, 190, 243),
    upper_crease=(226, 113, 225, 224, 223, 222, 221, 189, 244),
    lower_lash=(130, 25, 110, 24, 23, 22, 26, 112, 243),
    iris=(468, 469, 470, 471, 472),
)
RIGHT_EYE = EyeRows(
    upper=(362, 398, 384, 385, 386, 387, 388, 466, 263),
    lower=(362, 382, 381, 380, 374, 373, 390, 249, 263),
    upper_lash=(463, 414, 286, 258, 257, 259, 260, 467, 359),
    upper_crease=(464, 413, 441, 442, 443, 444, 445, 342, 446),
    lower_lash=(463, 341, 256, 252, 253, 254, 339, 255, 359),
    iris=(473, 474, 475, 476, 477),
)
EYES = (LEFT_EYE, RIGHT_EYE)
EYE_CENTRE = slice(3, 6)  # the middle columns of an eyelid row

LEFT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
RIGHT_BROW = (336, 296, 334, 293, 300, 276, 283, 282, 295, 285)
NOSE = (168, 6, 197, 195, 5, 4, 1, 64, 98, 97, 2, 326, 327, 294)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
JAW = OVAL[28:17:-1] + OVAL[17:7:-1]  # ear to ear by way of the chin

FOREHEAD, CHIN = 10, 152
LEFT_CORNER, RIGHT_CORNER = 33, 263  # outer eye corners
MOUTH_LEFT, MOUTH_RIGHT = 61, 291
NOSE_TIP = 1


class FaceFrame(NamedTuple):
    """Where a face is: axes as columns of ``rotation (..., 3, 3)``, origin and unit in pixels."""

    rotation: Array
    origin: Array
    unit: Array


def face_frame(points: Array) -> FaceFrame:
    """The face-local frame of FaceMesh ``points (..., 478, 3)``."""
    left, right = points[..., LEFT_CORNER, :], points[..., RIGHT_CORNER, :]
    x = right - left
    unit = np.linalg.norm(x, axis=-1)
    x = x / unit[..., None]
    y = points[..., CHIN, :] - points[..., FOREHEAD, :]
    y = y - (y * x).sum(-1, keepdims=True) * x
    y = y / np.linalg.norm(y, axis=-1, keepdims=True)
    rotation = np.stack([x, y, np.cross(x, y)], -1)
    return FaceFrame(rotation, (left + right) / 2, unit)


def to_local(points: Array, frame: FaceFrame | None = None) -> Array:
    """Points ``(..., k, 3)`` in face-local IOD units; the frame is their own unless given."""
    rotation, origin, unit = face_frame(points) if frame is None else frame
    return np.asarray((points - origin[..., None, :]) @ rotation / unit[..., None, None])


def from_local(local: Array, frame: FaceFrame) -> Array:
    """Pixels ``(..., k, 3)`` of face-local points."""
    rotation, origin, unit = frame
    turned = local @ np.swapaxes(rotation, -1, -2)
    return turned * unit[..., None, None] + origin[..., None, :]


def euler(rotation: Array) -> Array:
    """Yaw, pitch and roll ``(..., 3)`` in degrees, R = Rz(roll) Ry(yaw) Rx(pitch).

    Positive yaw turns the nose to image-left, positive pitch makes the face look down, positive
    roll tilts the head clockwise.
    """
    yaw = np.arcsin(np.clip(-rotation[..., 2, 0], -1, 1))
    pitch = np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    roll = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], -1)))


def rotation(angles: Array) -> Array:
    """Rotation matrices ``(..., 3, 3)`` of yaw, pitch and roll ``(..., 3)`` in degrees."""
    yaw, pitch, roll = np.moveaxis(np.radians(np.asarray(angles, np.float64)), -1, 0)
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    rows = (
        (cr * cy, cr * sy * sp - sr * cp, cr * sy * cp + sr * sp),
        (sr * cy, sr * sy * sp + cr * cp, sr * sy * cp - cr * sp),
        (-sy, cy * sp, cy * cp),
    )
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _local(points: Array, rows: Sequence[int]) -> Array:
    """The points ``rows`` of meshes ``(..., 478, 3)`` in their faces' own coordinates."""
    return to_local(points[..., list(rows), :], face_frame(points))


def _gap(points: Array, upper: Sequence[int], lower: Sequence[int]) -> Array:
    """How far points ``lower`` lie below ``upper`` on average ``(...)``, in IOD."""
    down = _local(points, (*upper, *lower))[..., 1]
    return np.asarray((down[..., len(upper) :] - down[..., : len(upper)]).mean(-1))


def aperture(points: Array) -> Array:
    """Gap between the inner lips ``(...)`` in IOD, over three centre columns, head pose removed."""
    return _gap(points, UPPER_LIP_ROWS[0][LIP_CENTRE], LOWER_LIP_ROWS[0][LIP_CENTRE])


def width(points: Array) -> Array:
    """Distance of the outer mouth corners ``(...)`` in IOD."""
    across = np.diff(_local(points, (MOUTH_LEFT, MOUTH_RIGHT)), axis=-2)[..., 0, :]
    return np.asarray(np.linalg.norm(across, axis=-1))


def jaw_drop(points: Array) -> Array:
    """Distance of chin and nose tip down the face ``(...)`` in IOD."""
    return _gap(points, (NOSE_TIP,), (CHIN,))


def eye_opening(points: Array) -> Array:
    """Gap between the eyelids ``(..., 2)`` in IOD, image-left eye first."""
    gaps = [_gap(points, eye.upper[EYE_CENTRE], eye.lower[EYE_CENTRE]) for eye in EYES]
    return np.stack(gaps, -1)


def gaze(points: Array) -> Array:
    """Iris centres from the middle of their eye's corners ``(..., 2 eyes, 2)`` in IOD, x and y."""
    found = []
    for eye in EYES:
        one, other, iris = np.moveaxis(
            _local(points, (eye.upper[0], eye.upper[-1], eye.iris[0]))[..., :2], -2, 0
        )
        found.append(iris - (one + other) / 2)
    return np.stack(found, -2)
