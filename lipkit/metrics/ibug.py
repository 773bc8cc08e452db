"""The 68 iBUG points, which landmark scores are defined on, out of any landmark numbering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack

    Array = NDArray[Any]

COUNT = 68
MOUTH = slice(48, 68)
RIGID = slice(27, 48)  # nose and eyes: what speech does not move
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
EYE_CORNERS = (36, 45)  # outer
INNER_LIPS = (62, 66)  # middle of the upper and of the lower one

# FaceMesh vertices at the places that the 68 points mark, ear to ear by way of the chin first.
MESH = (
    127, 93, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 323, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 40, 37, 0, 267, 270, 291, 321, 405, 17, 181, 91,
    78, 81, 13, 311, 308, 402, 14, 178,
)  # fmt: skip


def ibug68(points: Array, scheme: str) -> Array:
    """The 68 points ``(..., 68, 2)`` of ``points (..., k, 2|3)``; BadInput for coarser schemes."""
    if scheme == "mediapipe478":
        return points[..., list(MESH), :2]
    if scheme == "dlib68":
        return points[..., :2]
    raise BadInput(f"landmarks of scheme {scheme!r} are no 68 points", hint="use mediapipe or fan")


def of_track(track: FaceTrack) -> Array:
    """The 68 points ``(f, 68, 2)`` of a face through time; NaN where there is no face."""
    points = ibug68(track.points, track.scheme).astype(np.float64)
    points[~track.valid] = np.nan
    return points


def source(scheme: str) -> str:
    """Where the 68 points of a track came from, for a score's settings."""
    return {"mediapipe478": "68 vertices of the FaceMesh", "dlib68": "FAN"}[scheme]


def upright(points: Array) -> Array:
    """Points ``(f, 68, 2)`` about the middle of the eyes, turned upright, in eye distances."""
    left, right = (points[:, corner] for corner in EYE_CORNERS)
    across = right - left
    unit = np.linalg.norm(across, axis=-1)
    x = across / unit[:, None]
    axes = np.stack([x, np.stack([-x[:, 1], x[:, 0]], -1)], -1)
    return np.asarray((points - ((left + right) / 2)[:, None]) @ axes / unit[:, None, None])
