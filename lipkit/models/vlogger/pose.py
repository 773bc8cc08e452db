"""Head poses: angles and matrices, from one head to another, and the camera that sees them.

A pose ``(..., 6)`` is three angles in degrees about the fixed axes x, y, z and a shift in
centimetres. Poses act in the head's own frame, before the matrix of a reference picture does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[Any]

FIELD_OF_VIEW = 63.0  # degrees from top to bottom
FOCAL = 1 / math.tan(math.radians(FIELD_OF_VIEW / 2))
NEAR, FAR = 1.0, 10000.0


def matrices(poses: Array) -> Array:
    """Matrices ``(f, 4, 4)`` of poses ``(f, 6)``."""
    made = np.tile(np.eye(4), (len(poses), 1, 1))
    made[:, :3, :3] = Rotation.from_euler("xyz", poses[:, :3], degrees=True).as_matrix()
    made[:, :3, 3] = poses[:, 3:]
    return made


def poses(matrices: Array) -> Array:
    """Poses ``(f, 6)`` of rigid matrices ``(f, 4, 4)``."""
    angles = Rotation.from_matrix(matrices[:, :3, :3]).as_euler("xyz", degrees=True)
    return np.concatenate([angles, matrices[:, :3, 3]], 1)


def perspective(aspect: float) -> Array:
    """The camera's matrix ``(4, 4)`` for pictures ``aspect`` times as wide as high; y points down.

    In the last row AniPortrait has what belongs into the last column, so that it divides by a depth
    that is larger by 1 / 9999. Its networks know no other camera.
    """
    span = NEAR - FAR
    rows = (
        (FOCAL / aspect, 0, 0, 0),
        (0, -FOCAL, 0, 0),
        (0, 0, (FAR + NEAR) / span, -1),
        (0, 0, FAR * NEAR / span, 0),
    )
    return np.array(rows, np.float32)


def project(vertices: Array, matrices: Array, size: tuple[int, int]) -> Array:
    """Pixels ``(f, k, 2)`` of ``vertices (f, k, 3)`` under ``matrices (f, 4, 4)``.

    ``size`` is the picture's, width first.
    """
    points = vertices @ matrices[:, :3, :3].swapaxes(1, 2) + matrices[:, None, :3, 3]
    camera = perspective(size[0] / size[1])[[0, 1, 3], :3].astype(points.dtype)
    clipped = points @ camera.T
    return (clipped[..., :2] / clipped[..., 2:] + 1) * np.array(size) / 2


def smoothed(track: Array, window: int) -> Array:
    """The centred moving average of ``track (f, d)``; at its ends over what there is."""
    half = window // 2
    return np.stack([track[max(0, k - half) : k + half + 1].mean(0) for k in range(len(track))])


def softened(poses: Array) -> Array:
    """Poses ``(f, 6)`` of audio2pose as AniPortrait uses them: half the turn, and smooth."""
    return smoothed(poses * [0.5, 0.5, 0.5, 1, 1, 1], 7)


def to_and_fro(track: Array, count: int) -> Array:
    """``track (f, d)`` forwards and backwards again and again, ``(count, d)``; no end twice."""
    cycle = np.concatenate([track, track[-2:0:-1]])
    return cycle[np.arange(count) % len(cycle)]


def retargeted(vertices: Array, neutral: int, reference: Array) -> Array:
    """Faces ``(f, k, 3)`` of another head: what moves against the frame ``neutral``, on it."""
    return vertices - vertices[neutral] + reference


def followed(driver: Array, reference: Array) -> Array:
    """Poses ``(f, 6)`` of a reference head that a driver's matrices ``(f, 4, 4)`` move.

    Angles are the driver's own; the shift begins where the ``reference (4, 4)`` is.
    """
    made = poses(driver)
    made[:, 3:] += reference[:3, 3] - driver[0, :3, 3]
    return made


def template(matrices: Array) -> Array:
    """Poses ``(f, 6)`` against the first frame's: a motion to lend to other heads."""
    return poses(np.linalg.inv(matrices[0]) @ matrices)
