"""Per-pixel depth of a portrait, and how far each pixel follows the head."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import polygon_mask, smoothstep, thin_plate

Array = NDArray[Any]

BORDER_FADE = 0.09  # of the crop's side; motion dies there, so that a pasted crop has no seam
PICTURE_FADE = 0.03  # the same at a border of the whole picture, where no seam can show


def face_ring(shape: FaceShape, scale: float) -> Array:
    """The face oval ``(36, 2)`` in crop pixels, enlarged about the middle of the face."""
    centre = (shape.points[mesh.FOREHEAD, :2] + shape.points[mesh.CHIN, :2]) / 2
    return centre + scale * (shape.points[list(mesh.OVAL), :2] - centre)


def head_plane(shape: FaceShape, where: Array) -> Array:
    """Depth in pixels at ``where (..., 2)`` of the plane through the ears parallel to the face.

    Trackers know no depth of hair, neck and hats; a spline left alone would throw them far away.
    """
    normal = shape.frame.rotation[:, 2]
    facing = max(float(normal[2]), 0.5)
    offset = (where - shape.frame.origin[:2]) @ normal[:2]
    return shape.frame.origin[2] + (shape.ear_depth * shape.unit - offset) / facing


def depth_at(shape: FaceShape, where: Array) -> Array:
    """Depth in pixels at ``where (k, 2)``: the mesh on the face, the head's plane beyond it."""
    rings = np.concatenate([face_ring(shape, 1.3), face_ring(shape, 1.8), face_ring(shape, 3.0)])
    controls = np.concatenate([shape.points[:468, :2], rings])
    values = np.concatenate([shape.points[:468, 2], head_plane(shape, rings)])
    origin, unit = shape.frame.origin[:2], shape.unit
    places, points = (controls - origin) / unit, (where - origin) / unit
    return thin_plate(places, values[:, None], points, 1e-2)[:, 0]


def border_fade(size: int, inner: tuple[bool, bool, bool, bool]) -> Array:
    """Weight ``(size, size)``: 1 inside, 0 at the crop's border.

    ``inner`` says which sides (left, top, right, bottom) lie inside the picture: there the fade is
    wider.
    """
    place = np.arange(size) / (size - 1)
    edge = 2 / size  # whole pixels of stillness, which resampling cannot leak across
    wide = [max(BORDER_FADE if side else PICTURE_FADE, 2 * edge) for side in inner]
    x = smoothstep(place, edge, wide[0]) * smoothstep(1 - place, edge, wide[2])
    y = smoothstep(place, edge, wide[1]) * smoothstep(1 - place, edge, wide[3])
    return (y[:, None] * x[None]).astype(np.float32)


def person_mask(shape: FaceShape, matte: Array) -> Array:
    """The matte ``(h, w)`` 0..1 with the tracked face always inside."""
    face = polygon_mask(matte.shape, face_ring(shape, 1.04), 1.0)
    return np.maximum(matte, face)


def pose_weight(shape: FaceShape, person: Array, fade: Array) -> Array:
    """How far each pixel ``(h, w)`` follows the head: 1 on the head, fading down the chest."""
    reach = max(1, round(0.08 * shape.height))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate((person > 0.4).astype(np.float32), ellipse)
    near = cv2.GaussianBlur(near, (0, 0), 0.03 * shape.height)
    chin, top = shape.points[mesh.CHIN, :2], shape.points[mesh.FOREHEAD, :2]
    down = (chin - top) / shape.height
    y, x = np.mgrid[0 : person.shape[0], 0 : person.shape[1]].astype(np.float32)
    below_chin = ((x - chin[0]) * down[0] + (y - chin[1]) * down[1]) / shape.height
    return near * (1 - smoothstep(below_chin, -0.05, 0.75)) * fade
