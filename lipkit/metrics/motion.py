"""How a head and its landmarks move: pose steps, jitter, and how samples of one voice differ.

Tracks hold NaN where a frame shows no face; a step counts if all its frames show one.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.faces.mesh import euler, face_frame, rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack

    Array = NDArray[Any]


def head_pose(track: FaceTrack) -> Array:
    """Yaw, pitch and roll ``(f, 3)`` in degrees of a FaceMesh track, NaN without a face."""
    with np.errstate(invalid="ignore", divide="ignore"):  # rows without a face hold nothing
        angles = euler(face_frame(track.points).rotation)
    return np.where(track.valid[:, None], angles.astype(np.float64), np.nan)


def wrapped(angles: Array) -> Array:
    """Angles in degrees, brought into -180..180."""
    return np.asarray((angles + 180) % 360 - 180)


def pose_steps(pose: Array) -> Array:
    """Changes of yaw, pitch and roll ``(n, 3)`` between neighbouring frames of ``pose (f, 3)``."""
    steps = wrapped(np.diff(pose, axis=0))
    return np.asarray(steps[np.isfinite(steps).all(-1)])


def delta_p(pose: Array) -> float | None:
    """Mean absolute change of the three angles from frame to frame, degrees (VASA-1, Table 1)."""
    steps = pose_steps(pose)
    return float(np.abs(steps).mean()) if len(steps) else None


def delta_p_l2(pose: Array) -> float | None:
    """Mean length of the change of the three angles, degrees."""
    steps = pose_steps(pose)
    return float(np.linalg.norm(steps, axis=-1).mean()) if len(steps) else None


def delta_p_geodesic(pose: Array) -> float | None:
    """Mean angle of the turn from one frame's head to the next one's, degrees."""
    known = np.asarray(np.isfinite(pose).all(-1))
    both = known[1:] & known[:-1]
    if not both.any():
        return None
    before, after = rotation(pose[:-1][both]), rotation(pose[1:][both])
    turn = after @ np.swapaxes(before, -1, -2)
    # By sine and cosine: the cosine alone cannot tell small turns apart.
    sine = np.stack([turn[..., i, j] - turn[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], -1)
    cosine = np.trace(turn, axis1=-2, axis2=-1) - 1
    return float(np.degrees(np.arctan2(np.linalg.norm(sine, axis=-1), cosine)).mean())


def pose_spread(pose: Array) -> tuple[float, float, float] | None:
    """Standard deviations of yaw, pitch and roll, degrees."""
    known = pose[np.isfinite(pose).all(-1)]
    if not len(known):
        return None
    yaw, pitch, roll = known.std(0).tolist()
    return yaw, pitch, roll


def pose_range(pose: Array) -> tuple[float, float, float] | None:
    """Yaw, pitch and roll between their 2nd and 98th percentiles, degrees."""
    known = pose[np.isfinite(pose).all(-1)]
    if not len(known):
        return None
    low, high = np.percentile(known, (2, 98), axis=0)
    yaw, pitch, roll = (high - low).tolist()
    return yaw, pitch, roll


def pose_error(made: Array, truth: Array) -> float | None:
    """Mean absolute difference of the angles of two clips, degrees."""
    apart = wrapped(made - truth)
    apart = np.abs(apart[np.isfinite(apart).all(-1)])
    return float(apart.mean()) if len(apart) else None


def roughness(points: Array, fps: float, order: int) -> float | None:
    """Mean length of the ``order``-th difference of ``points (f, k, d)``, times ``fps ** order``.

    Order 1 is speed, 2 acceleration, 3 jerk, in the points' unit.
    """
    changes = np.linalg.norm(np.diff(points, order, axis=0), axis=-1)
    changes = changes[np.isfinite(changes)]
    return float(changes.mean()) * fps**order if len(changes) else None


def spread_over_samples(samples: Array) -> float:
    """Standard deviation over samples ``(s, f, d)``, averaged over time and dimensions."""
    return float(samples.std(0).mean())


def pairwise_distance(samples: Array) -> float | None:
    """Mean Euclidean distance of the frames of two samples, over all pairs of ``(s, f, d)``."""
    pairs = [np.linalg.norm(a - b, axis=-1).mean() for a, b in combinations(np.asarray(samples), 2)]
    return float(np.mean(pairs)) if pairs else None


def spread_over_time(samples: Array) -> float:
    """Standard deviation over time, averaged over samples ``(s, f, d)`` and dimensions."""
    return float(samples.std(-2).mean())
