"""A portrait taken apart: everything of the person that does not move, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh import depth
from lipkit.models.vasa.codecs.mesh.eyes import Eye, build_eye
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT, NATURAL_JAW
from lipkit.models.vasa.codecs.mesh.lips import mouth_boxes
from lipkit.models.vasa.codecs.mesh.mouth import Mouth, build_mouth
from lipkit.models.vasa.codecs.mesh.plate import Cutout, cut_out
from lipkit.models.vasa.codecs.mesh.pose import Gains, head_pivot
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, Field, grid_of, smoothstep, thin_plate

Array = NDArray[Any]

CELLS = 128  # of the whole crop's grid, a side
MOUTH_STEP = 0.025  # IOD between grid points at the mouth
RING_FOLLOWS = 0.25  # of the face's outline by a ring around it, then stillness


@dataclass(frozen=True)
class MeshAppearance:
    """A portrait ready to be rendered.

    ``picture (H, W, 3)`` is the whole photo, ``crop`` the square of it that moves, ``image`` that
    square at the rendered size.
    """

    picture: Array
    crop: Box
    image: Array
    shape: FaceShape
    pivot: Array
    field: Field
    cutout: Cutout
    mouth: Mouth
    eyes: tuple[Eye, Eye]
    gains: Gains

    @property
    def size(self) -> int:
        """Side of the rendered crops in pixels."""
        return len(self.image)

    @property
    def matrix(self) -> Array:
        """Picture to crop positions, ``(2, 3)``; a whole-pixel shift unless the crop is reduced."""
        scale = self.size / self.crop.width
        centre = (scale - 1) / 2
        shift = -scale * np.array([self.crop.x0, self.crop.y0]) + centre
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])

    @property
    def rest(self) -> Array:
        """The motion ``(c,)`` that shows the photo as it is."""
        motion = np.zeros(len(MESH_LAYOUT.channels), np.float32)
        motion[MESH_LAYOUT.index("aperture")] = self.shape.gap
        motion[MESH_LAYOUT.index("jaw")] = NATURAL_JAW * self.shape.gap
        return motion

    @cached_property
    def movable(self) -> Array:
        """Weight ``(S, S, 1)`` of the picture's own crop: 0 where nothing can move, 1 inside."""
        fade = depth.border_fade(self.crop.width, (True, True, True, True))
        return np.clip(fade * 4, 0, 1)[..., None]

    def paste(self, crops: Array) -> Array:
        """Whole pictures ``(f, H, W, 3)`` with rendered ``crops (f, S, S, 3)`` in their place.

        Outside the crop every pixel is the photo's own, bit for bit.
        """
        frames = np.repeat(self.picture[None], len(crops), 0)
        rows, columns = self.crop.slices
        if self.size == self.crop.width:
            frames[:, rows, columns] = crops
            return frames
        own = self.picture[rows, columns]
        side = (self.crop.width, self.crop.width)
        for frame, crop in zip(frames, crops, strict=True):
            grown = cv2.resize(crop, side, interpolation=cv2.INTER_CUBIC)
            mixed = own + self.movable * (grown.astype(np.float32) - own)
            frame[rows, columns] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        return frames


def _field(
    shape: FaceShape, box: Box, step: float, skip: tuple[int, ...], weight: Array, fade: Array
) -> Field:
    """The deformation over ``box`` by all landmarks but ``skip``, still beyond the face.

    ``weight`` and ``fade (S, S)`` tell how far each pixel follows the head, and may move at all.
    """
    places = grid_of(box, step)
    flat = places.reshape(-1, 2)
    rings = [depth.face_ring(shape, scale) for scale in (1.3, 1.8, 2.6)]
    kept = [i for i in range(468) if i not in set(skip)]
    controls = np.concatenate([shape.points[kept, :2], *rings])
    outline = shape.basis[:, list(mesh.OVAL)]
    moved = [shape.basis[:, kept], RING_FOLLOWS * outline, 0 * outline, 0 * outline]
    origin, unit = shape.frame.origin[:2], shape.unit
    values = np.concatenate(moved, 1).transpose(1, 0, 2).reshape(len(controls), -1)
    basis = thin_plate((controls - origin) / unit, values, (flat - origin) / unit)
    follows, free = (
        cv2.remap(values, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for values in (weight, fade)
    )
    z = depth.depth_at(shape, flat).reshape(*places.shape[:2], 1)
    basis = basis.reshape(*places.shape[:2], -1, 3).transpose(2, 0, 1, 3)
    basis = basis * np.minimum(_near_face(shape, places), free[..., None])
    return Field(box, np.dstack([places, z]).astype(np.float32), follows, basis.astype(np.float32))


def _near_face(shape: FaceShape, places: Array) -> Array:
    """Weight ``(h, w, 1)``: 1 on the face, exactly 0 a face away from it."""
    middle = (shape.points[mesh.FOREHEAD, :2] + shape.points[mesh.CHIN, :2]) / 2
    distance = np.linalg.norm(places - middle, axis=-1) / shape.height
    return (1 - smoothstep(distance, 0.75, 1.0))[..., None]


def build_appearance(
    picture: Array, crop: Box, image: Array, shape: FaceShape, matte: Array
) -> MeshAppearance:
    """Take ``image (S, S, 3)``, the ``crop`` of ``picture``, apart.

    ``matte (S, S)`` 0..1 is the person.
    """
    size = len(image)
    height, width = picture.shape[:2]
    inner = (crop.x0 > 0, crop.y0 > 0, crop.x1 < width, crop.y1 < height)
    person = depth.person_mask(shape, matte)
    fade = depth.border_fade(size, inner)
    weight = depth.pose_weight(shape, person, fade)
    whole = Box(0, 0, size, size)
    box, _ = mouth_boxes(shape, size)
    upper = _field(shape, whole, size / CELLS, mesh.LOWER_LIP, weight, fade)
    lower = _field(shape, box, max(1.5, MOUTH_STEP * shape.unit), mesh.UPPER_LIP, weight, fade)
    return MeshAppearance(
        picture=picture,
        crop=crop,
        image=image,
        shape=shape,
        pivot=head_pivot(shape.frame, shape.ear_depth),
        field=upper,
        cutout=cut_out(image, person, shape.height),
        mouth=build_mouth(image, shape, lower, fade),
        eyes=(build_eye(image, shape, 0, fade), build_eye(image, shape, 1, fade)),
        gains=Gains(),
    )
