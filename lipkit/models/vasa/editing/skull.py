"""Where the skull is in every frame: the pose that teeth keep to, whatever lips and jaw do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import savgol_filter

from lipkit.faces import mesh

Array = NDArray[Any]

# Points over bone. Brows, lids, cheeks beside the mouth and everything below it move by themselves.
BONE = (
    10, 67, 297, 109, 338, 33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 117, 346,
    127, 356, 234, 454,
)  # fmt: skip
SAMPLES = 240  # frames that the clip's mean face is taken from
CALM = 0.28  # seconds over which the pose is smoothed


def mean_face(points: Array, valid: Array) -> Array:
    """The clip's mean face-local mesh ``(478, 3)`` of ``points (f, 478, 3)``."""
    rows = np.flatnonzero(valid)
    rows = rows[:: max(1, len(rows) // SAMPLES)]
    local = mesh.to_local(points[rows].astype(np.float64))
    return np.asarray(np.median(local, axis=0))


def skull_poses(points: Array, face: Array) -> mesh.FaceFrame:
    """Poses of all frames: the similarity that brings ``face``'s bone onto each frame's points.

    Least squares over many points (Umeyama 1991); four corners of the face alone, as in
    ``mesh.face_frame``, let teeth tilt with every twitch of an eye.
    """
    bone = list(BONE)
    model, seen = face[bone], points[:, bone].astype(np.float64)
    centre, middle = model.mean(0), seen.mean(1)
    model, seen = model - centre, seen - middle[:, None]
    u, s, vt = np.linalg.svd(np.swapaxes(seen, 1, 2) @ model)
    sign = np.ones((len(points), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    unit = (s * sign).sum(1) / max(float((model**2).sum()), 1e-9)
    origin = middle - unit[:, None] * (rotation @ centre)
    return mesh.FaceFrame(rotation, origin, unit)


def calmed(poses: mesh.FaceFrame, stretches: list[tuple[int, int]], fps: float) -> mesh.FaceFrame:
    """``poses`` without the tracker's tremble, each of the ``stretches`` of frames by itself."""
    rotation, origin, unit = (np.array(part) for part in poses)
    window = max(5, round(CALM * fps)) | 1
    for start, end in stretches:
        length = min(window, end - start - (end - start + 1) % 2)
        if length <= 3:
            continue
        part = slice(start, end)
        flat = savgol_filter(rotation[part].reshape(-1, 9), length, 2, axis=0)
        u, _, vt = np.linalg.svd(flat.reshape(-1, 3, 3))
        rotation[part] = u @ vt
        origin[part] = savgol_filter(origin[part], length, 2, axis=0)
        unit[part] = savgol_filter(unit[part], length, 2)
    return mesh.FaceFrame(rotation, origin, unit)


def pose_at(poses: mesh.FaceFrame, row: int) -> mesh.FaceFrame:
    """The pose of one frame."""
    return mesh.FaceFrame(poses.rotation[row], poses.origin[row], poses.unit[row])
