"""The mouth: two lips warped by fields of their own over the inside of the mouth.

Source masks of what lies above the upper and below the lower inner contour are warped with the
lips, so nothing is rasterised per frame and nothing can tear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.interior import Interior, paint_interior
from lipkit.models.vasa.codecs.mesh.lips import (
    bare_lips,
    lip_masks,
    mouth_boxes,
    own_inside,
    parted_lips,
    raised_inside,
)
from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import face_tones
from lipkit.models.vasa.codecs.mesh.warp import Box, Field, smoothstep

Array = NDArray[Any]

LIP_SHADOW, CONTACT_SHADOW = 0.28, 0.10  # how lips darken the inside, near and touching them
PARTING = (0.0, 0.03)  # opening in IOD over which parted lips replace closed ones
# Opening, sealing, jaw, width and press that count as motion of an open mouth.
AT_REST = np.array([0.02, 0.1, 0.02, 0.02, 0.2])


@dataclass(frozen=True)
class Mouth:
    """What a frame's mouth is made of; arrays cover ``source``, results cover ``box``.

    ``lips`` is the photo, ``parted`` the same with nothing between the lips or upon them, ``above``
    and ``below`` the lips' masks, ``inside`` the photo's own mouth inside and its mask (None for a
    closed mouth); ``feather`` fades the lower layer at the box's border.
    """

    box: Box
    source: Box
    field: Field
    lips: Array
    parted: Array
    above: Array
    below: Array
    inside: tuple[Array, Array] | None
    feather: Array
    interior: Interior


def box_feather(box: Box, unit: float) -> Array:
    """Weight ``(h, w)`` that fades to 0 at the sides and the bottom of the mouth's box."""
    reach = 0.2 * unit
    x, y = np.arange(box.width), np.arange(box.height)[::-1]
    side = smoothstep(np.minimum(x, x[::-1]), 0, reach)
    return (side[None] * smoothstep(y, 0, reach)[:, None]).astype(np.float32)


def build_mouth(image: Array, shape: FaceShape, field: Field, fade: Array) -> Mouth:
    """The mouth of ``image (h, w, 3)``; ``field`` moves everything but the upper lip.

    ``fade (h, w)`` is 0 where nothing may change.
    """
    box, source = field.box, mouth_boxes(shape, len(image))[1]
    lips = np.ascontiguousarray(image[source.slices])
    above, below = lip_masks(shape, source)
    inside = own_inside(shape, source)
    seen = lips[inside > 0.8] if inside is not None else lips[:0, 0]
    tones = face_tones(image, shape, seen)
    if inside is None:
        parted = parted_lips(lips, shape, source, tones.pallor)
    else:
        parted = bare_lips(lips, inside, shape, tones)
    return Mouth(
        box=box,
        source=source,
        field=field,
        lips=lips,
        parted=parted,
        above=above,
        below=below,
        inside=None if inside is None else raised_inside(lips, inside, shape),
        feather=box_feather(box, shape.unit) * fade[box.slices],
        interior=paint_interior(shape, tones),
    )


def _sample(texture: Array, where: Array, cubic: bool = False) -> Array:
    flags = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return cv2.remap(texture, where, None, flags, borderMode=cv2.BORDER_REPLICATE)


def draw_mouth(
    out: Array, mouth: Mouth, shape: FaceShape, where: Array, coefficients: Array, pose: Pose
) -> None:
    """Draw the mouth into the crop ``out``; ``where (h, w, 2)`` samples the upper layer."""
    active = 1.0 if mouth.inside is None else _activity(coefficients)
    if not active:
        return
    corner = np.array([mouth.source.x0, mouth.source.y0], np.float32)
    upper_at = where[mouth.box.slices] - corner
    lower_at = mouth.field.backward(mouth.field.displacement(coefficients, pose)) - corner
    opening = float(coefficients[0])
    upper, lips = out[mouth.box.slices], mouth.lips
    parting = float(smoothstep(opening, *PARTING)) if mouth.inside is None else active
    if parting > 0:
        lips = cv2.addWeighted(mouth.parted, parting, mouth.lips, 1 - parting, 0)
        upper = _blend_parted(upper, lips, mouth, upper_at)
    lower = _sample(lips, lower_at, cubic=True)
    above = 1 - (1 - _sample(mouth.above, upper_at)) * (active * mouth.feather)
    below = _sample(mouth.below, lower_at)
    _fill_hole(lower, mouth, shape, opening, pose, (above, below))
    out[mouth.box.slices] = cv2.blendLinear(upper, lower, above, 1 - above)


def _activity(coefficients: Array) -> float:
    """How much of an open mouth is redrawn, 0..1: at rest the photo shows its own inside best."""
    return float(smoothstep(np.max(np.abs(coefficients[: len(AT_REST)]) / AT_REST), 0.0, 1.0))


def _blend_parted(upper: Array, lips: Array, mouth: Mouth, where: Array) -> Array:
    """The upper layer with ``lips`` for the photo's; the box's border stays as it was drawn."""
    fresh = _sample(lips, where, cubic=True)
    return cv2.blendLinear(fresh, upper, mouth.feather, 1 - mouth.feather)


def _fill_hole(
    lower: Array,
    mouth: Mouth,
    shape: FaceShape,
    opening: float,
    pose: Pose,
    lips: tuple[Array, Array],
) -> None:
    """Draw the inside of the mouth into ``lower (h, w, 3)`` where neither of the ``lips`` is."""
    above, below = lips
    hole = ((1 - above) * (1 - below) > 0.004).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(hole)
    if not width:
        return
    there = (slice(y, y + height), slice(x, x + width))
    x0, y0 = mouth.box.x0 + x, mouth.box.y0 + y
    box = Box(x0, y0, x0 + width, y0 + height)
    drop = max(opening + min(shape.gap, 0.05), 0.0)
    inside = mouth.interior.paint(shape, pose, drop, box)
    cover = np.maximum(above, below)
    wide = cv2.GaussianBlur(cover, (0, 0), 0.035 * shape.unit)[there]
    near = cv2.GaussianBlur(cover, (0, 0), 0.010 * shape.unit)[there]
    inside *= (1 - LIP_SHADOW * wide - CONTACT_SHADOW * near)[..., None]
    if mouth.inside is not None:
        inside = _own_over(inside, mouth, shape, pose, box)
    inside = np.clip(inside + 0.5, 0, 255).astype(np.uint8)
    share = np.ascontiguousarray(below[there])
    lower[there] = cv2.blendLinear(np.ascontiguousarray(lower[there]), inside, share, 1 - share)


def _own_over(inside: Array, mouth: Mouth, shape: FaceShape, pose: Pose, box: Box) -> Array:
    """The photo's own mouth inside, moving with the skull alone, over what ``box`` shows."""
    anchor = mouth.interior.origin
    corners = mesh.from_local(anchor + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), shape.frame)
    before, after = corners[:, :2].astype(np.float32), pose.move(corners).astype(np.float32)
    moved = cv2.getAffineTransform(
        before - np.float32([mouth.source.x0, mouth.source.y0]),
        after - np.float32([box.x0, box.y0]),
    )
    size = (box.width, box.height)
    texture, cover = mouth.inside
    own = cv2.warpAffine(texture, moved, size, flags=cv2.INTER_CUBIC)
    mask = cv2.warpAffine(cover, moved, size, flags=cv2.INTER_LINEAR)
    return cv2.blendLinear(own.astype(np.float32), inside, mask, 1 - mask)
