"""The head in centimetres: a tracked face's mesh in the head's frame, and where the head is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lipkit.faces.canonical import VERTICES, canonical
from lipkit.models.vlogger.pose import FOCAL

Array = NDArray[Any]

MIRROR = np.array([1.0, 1.0, -1.0])  # a picture's depth grows away from the camera


class Head(NamedTuple):
    """A face without its pose, and the pose."""

    mesh: Array  # (k, 3) cm, in the head's frame
    matrix: Array  # (4, 4) from the head's frame to the camera's


def fit(points: Array, size: tuple[int, int], keep: int = VERTICES) -> Head:
    """The head whose landmarks ``points (k, 3)`` are seen in a picture of ``size``, width first.

    Its mesh has the first ``keep`` of them; 478 are the vertices and the irises.

    Points are in shares of the picture, depth in shares of its width. The camera has the field of
    view of `pose.FIELD_OF_VIEW`. How deep the head is follows from two fits: one that takes the
    picture for a parallel projection, and one that corrects it.
    """
    width, height = size
    screen = (points[:keep] * [1, -1, 1] + [-0.5, 0.5, 0]) * (2 / FOCAL)
    screen = screen * [width / height, 1, width / height]
    depth = screen[:VERTICES, 2].mean()
    scale = similarity(screen[:VERTICES] * MIRROR)[0]
    scale *= similarity(seen(screen, depth, scale)[:VERTICES])[0]
    metric = seen(screen, depth, scale)
    factor, rotation, shift = similarity(metric[:VERTICES])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = factor * rotation, shift
    return Head(np.linalg.solve(matrix[:3, :3], (metric - shift).T).T, matrix)


def seen(screen: Array, depth: float, scale: float) -> Array:
    """Points ``(k, 3)`` in space of points on the screen, for a face ``scale`` times as large."""
    z = (screen[:, 2:] - depth + 1) / scale
    return np.concatenate([screen[:, :2] * z, z], 1) * MIRROR


def similarity(points: Array) -> tuple[float, Array, Array]:
    """Scale, rotation ``(3, 3)`` and shift ``(3,)`` that best bring the canonical face to points.

    The weighted orthogonal Procrustes problem, after Umeyama, "Least-squares estimation of
    transformation parameters" (1991).
    """
    face, _, _, weights = canonical()
    share = weights[:, None] / weights.sum()
    centre, target = (share * face).sum(0), (share * points).sum(0)
    own = face - centre
    left, _, right = np.linalg.svd((share * (points - target)).T @ own)
    if np.linalg.det(left) * np.linalg.det(right) < 0:  # a reflection is no pose
        left[:, 2] *= -1
    rotation = left @ right
    scale = (share * own * (points @ rotation)).sum() / (share * own * face).sum()
    return float(scale), rotation, target - scale * rotation @ centre
