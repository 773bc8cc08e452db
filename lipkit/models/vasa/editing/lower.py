"""The lower face, cut out of a frame to be read or edited, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.warp import Box
from lipkit.models.vasa.editing.field import mouth_box

Array = NDArray[Any]

DEEP = 257  # steps of 16-bit colour to one of 8 bits


@dataclass(frozen=True)
class LowerFace:
    """Whole pixels of a frame: ``image (h, w, 3)`` float32 0..255 of ``box``.

    ``points (478, 3)`` and the skull's ``pose`` are in its pixels.
    """

    box: Box
    image: Array
    points: Array
    pose: mesh.FaceFrame


def cut_out(frame: Array, points: Array, pose: mesh.FaceFrame) -> LowerFace | None:
    """The lower face in ``frame (h, w, 3|4)`` uint8 or uint16; None if it is out of view."""
    box = mouth_box(points, float(pose.unit), (frame.shape[1], frame.shape[0]))
    if box is None:
        return None
    corner = np.array([box.x0, box.y0, 0.0])
    image = np.ascontiguousarray(frame[box.slices][..., :3], np.float32)
    if frame.dtype == np.uint16:
        image /= DEEP
    there = mesh.FaceFrame(pose.rotation, pose.origin - corner, pose.unit)
    return LowerFace(box, image, points - corner, there)


def put_back(frame: Array, box: Box, image: Array) -> None:
    """Write ``image (h, w, 3)`` 0..255 into ``box`` of ``frame``, whose alpha stays."""
    scale = DEEP if frame.dtype == np.uint16 else 1
    rounded = np.clip(np.rint(image * np.float32(scale)), 0, 255 * scale)
    frame[box.slices][..., :3] = rounded.astype(frame.dtype)
