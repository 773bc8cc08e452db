"""Where the skull is in every frame: the pose that teeth keep to, whatever lips and jaw do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh

Array = NDArray[Any]

# Points over bone. Brows, lids, cheeks beside the mouth and everything below it move by themselves.
BONE = (
    10, 67, 297, 109, 338, 33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 117, 346,
    127, 356, 234, 454,
)  # fmt: skip
# Those nearest to the upper teeth, about as deep: where these are, an error of depth or
# perspective does least harm.
ANCHOR = (2, 98, 327, 97, 326, 94, 19)
SAMPLES = 240  # frames that the clip's mean face is taken from


def mean_face(points: Array, valid: Array) -> Array:
    """The clip's mean face-local mesh ``(478, 3)`` of ``points (f, 478, 3)``."""
    rows = np.flatnonzero(valid)
    rows = rows[:: max(1, len(rows) // SAMPLES)]
    local = mesh.to_local(points[rows].astype(np.float64))
    return np.asarray(np.median(local, axis=0))


def skull_poses(points: Array, face: Array) -> mesh.FaceFrame:
    """Poses of all frames: the similarity that brings ``face``'s bone onto each frame's points.

    Turn and size are the least squares over many points (Umeyama 1991); the four points of
    ``mesh.face_frame`` alone would let teeth tilt with every twitch of an eye.
    """
    model, seen = face[list(BONE)], points[:, list(BONE)].astype(np.float64)
    model, seen = model - model.mean(0), seen - seen.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(np.swapaxes(seen, 1, 2) @ model)
    sign = np.ones((len(points), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    unit = (s * sign).sum(1) / max(float((model**2).sum()), 1e-9)
    near = points[:, list(ANCHOR)].astype(np.float64).mean(1)
    origin = near - unit[:, None] * (rotation @ face[list(ANCHOR)].mean(0))
    return mesh.FaceFrame(rotation, origin, unit)


def pose_at(poses: mesh.FaceFrame, row: int) -> mesh.FaceFrame:
    """The pose of one frame."""
    return mesh.FaceFrame(poses.rotation[row], poses.origin[row], poses.unit[row])
