"""The head in centimetres: a tracked face's mesh in the head's frame, and where the head is.

The canonical face and the weights of its points are MediaPipe's (Apache-2.0).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from lipkit.models.vlogger.pose import FOCAL

Array = NDArray[Any]

POINTS = 468  # of the mesh; the tracker's irises come after them
MIRROR = np.array([1.0, 1.0, -1.0])  # a picture's depth grows away from the camera


class Canonical(NamedTuple):
    """The face that tracked ones are measured against."""

    vertices: Array  # (468, 3) cm: x to image-right, y up, z to the camera
    texture: Array  # (468, 2) in 0..1
    triangles: Array  # (898, 3)
    weights: Array  # (468,) how much a point tells of the pose


class Head(NamedTuple):
    """A face without its pose, and the pose."""

    mesh: Array  # (468, 3) cm, in the head's frame
    matrix: Array  # (4, 4) from the head's frame to the camera's


@cache
def canonical() -> Canonical:
    """The canonical face."""
    data = resources.files("lipkit").joinpath("assets", "canonical_face.safetensors").read_bytes()
    stored = load(data)
    vertices, texture = stored["vertices"], stored["uv"]
    return Canonical(
        vertices.astype(np.float64),
        texture.astype(np.float64),
        stored["triangles"].astype(np.int64),
        stored["weights"].astype(np.float64),
    )


def fit(points: Array, size: tuple[int, int]) -> Head:
    """The head whose landmarks ``points (k, 3)`` are seen in a picture of ``size``, width first.

    Points are in shares of the picture, depth in shares of its width. The camera has the field of
    view of `pose.FIELD_OF_VIEW`. How deep the head is follows from two fits: one that takes the
    picture for a parallel projection, and one that corrects it.
    """
    width, height = size
    screen = (points[:POINTS] * [1, -1, 1] + [-0.5, 0.5, 0]) * (2 / FOCAL)
    screen = screen * [width / height, 1, width / height]
    depth = screen[:, 2].mean()
    scale = similarity(screen * MIRROR)[0]
    scale *= similarity(seen(screen, depth, scale))[0]
    metric = seen(screen, depth, scale)
    factor, rotation, shift = similarity(metric)
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
