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
from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import Tones
from lipkit.models.vasa.codecs.mesh.warp import Box, Field, box_around, polygon_mask, smoothstep

Array = NDArray[Any]

SEAM_BAND = 0.016  # IOD beside the seam that is repainted for parted lips
CORNER_OVERLAP = 0.05  # IOD
RAISED = 0.09  # IOD that the photo's own teeth are continued under the upper lip
LIP_BLEED = 0.015  # IOD below the upper lip that still have its colour
LIP_SHADOW, CONTACT_SHADOW = 0.34, 0.18  # how lips darken the inside, near and touching them
WET_REACH = 0.014, 0.012  # IOD, and what pale lips have in addition
WET_SHADE = np.array([0.30, 0.43, 0.41])  # RGB taken away at the inner edge of parted lips
PARTING = (0.01, 0.05)  # opening in IOD over which parted lips replace closed ones


@dataclass(frozen=True)
class Mouth:
    """What a frame's mouth is made of; arrays cover ``source``, results cover ``box``.

    ``lips`` is the photo, ``parted`` the photo without the dark line between closed lips (None for
    an open mouth), ``above`` and ``below`` the lips' masks, ``inside`` the photo's own
    mouth inside and its mask (None for a closed mouth), ``feather`` fades the lower layer at the box's border.
    """

    box: Box
    source: Box
    field: Field
    lips: Array
    parted: Array | None
    above: Array
    below: Array
    inside: tuple[Array, Array] | None
    feather: Array
    interior: Interior


def mouth_boxes(shape: FaceShape, size: int) -> tuple[Box, Box]:
    """Where the mouth is redrawn, and the larger part of the photo it draws from."""
    rows = mesh.UPPER_LIP_ROWS[3] + mesh.LOWER_LIP_ROWS[3]
    lips, unit = shape.points[list(rows), :2], shape.unit
    box = box_around(lips, (0.35 * unit, 0.22 * unit, 0.85 * unit), (size, size))
    source = box_around(lips, (0.65 * unit, 0.55 * unit, 1.1 * unit), (size, size))
    return box, source


def lip_masks(shape: FaceShape, source: Box) -> tuple[Array, Array]:
    """Masks ``(h, w)`` of all above the upper and all below the lower inner lip contour."""
    points = shape.points[:, :2] - (source.x0, source.y0)
    left, right = points[mesh.MOUTH_LEFT], points[mesh.MOUTH_RIGHT]
    along = (right - left) / np.linalg.norm(right - left)
    down = np.array([-along[1], along[0]])
    masks = []
    for rows, away in ((mesh.UPPER_LIP_ROWS, -down), (mesh.LOWER_LIP_ROWS, down)):
        # Past the corners both lips are one skin: there the masks overlap, so that the inside of
        # the mouth cannot shine through where the two fields disagree a little.
        over = -CORNER_OVERLAP * shape.unit * away
        beyond = 2 * shape.unit * along
        near = 0.04 * shape.unit * along
        edge = np.concatenate(
            [
                [left - beyond + over, left - near + over, left],
                points[list(rows[0])],
                [right, right + near + over, right + beyond + over],
            ]
        )
        far = 3 * shape.unit * away
        filled = polygon_mask(
            (source.height, source.width), np.concatenate([edge, [edge[-1] + far, edge[0] + far]])
        )
        masks.append(np.clip(2 * filled, 0, 1))
    return masks[0], masks[1]


def own_inside(shape: FaceShape, source: Box) -> Array | None:
    """Mask ``(h, w)`` of the photo's own mouth inside, clear of the lips; None if it is closed."""
    if not shape.open:
        return None
    points = shape.points[:, :2] - (source.x0, source.y0)
    rows = mesh.UPPER_LIP_ROWS[0] + mesh.LOWER_LIP_ROWS[0][-2:0:-1]
    mask = polygon_mask((source.height, source.width), points[list(rows)], 0)
    radius = max(1, round(0.012 * shape.unit))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.erode(mask, ellipse)


def raised_inside(lips: Array, inside: Array, shape: FaceShape) -> tuple[Array, Array]:
    """The mouth's inside ``(h, w, 3)`` and its mask, continued upwards under the upper lip.

    A smile lifts the lip off teeth that the photo hides. Each column repeats its pixels from a
    little below the lip, where no lip has mixed in, and soon all columns take one colour.
    """
    up = shape.frame.rotation[:2, 1] * -1.0
    size = lips.shape[1::-1]

    def shifted(values: Array, pixels: float, flags: int) -> Array:
        step = np.float32([[1, 0, pixels * up[0]], [0, 1, pixels * up[1]]])
        return cv2.warpAffine(values, step, size, flags=flags)

    clear = shifted(inside, -LIP_BLEED * shape.unit, cv2.INTER_LINEAR) > 0.5
    filled = clear & (inside > 0.5)
    filled = filled if filled.any() else inside > 0.5
    texture = lips.copy()
    common = np.median(lips[filled], 0) if filled.any() else np.zeros(3)
    rise = max(1, round(RAISED * shape.unit))
    for _ in range(rise):
        reached = shifted(filled.astype(np.uint8), 1, cv2.INTER_NEAREST)
        fresh = (reached > 0) & ~filled
        moved = shifted(texture, 1, cv2.INTER_LINEAR)[fresh].astype(np.float32)
        texture[fresh] = moved + (common - moved) * min(1.0, 3.0 / rise)
        filled |= fresh
    whole = filled | (inside > 0.5)
    soft = max(0.5, 0.012 * shape.unit)
    return texture, cv2.GaussianBlur(whole.astype(np.float32), (0, 0), soft)


def parted_lips(lips: Array, shape: FaceShape, source: Box, pallor: float) -> Array | None:
    """The photo without the dark line between closed lips, which else travels with a parted lip."""
    if shape.open:
        return None
    points = shape.points[:, :2] - (source.x0, source.y0)
    left, right = points[mesh.MOUTH_LEFT], points[mesh.MOUTH_RIGHT]
    down = np.array([left[1] - right[1], right[0] - left[0]]) / np.linalg.norm(right - left)
    band = np.zeros(lips.shape[:2], np.float32)
    for rows, away in ((mesh.UPPER_LIP_ROWS, -down), (mesh.LOWER_LIP_ROWS, down)):
        edge = points[list(rows[0][1:-1])]
        outer = edge[::-1] + SEAM_BAND * shape.unit * away
        band = np.maximum(band, polygon_mask(band.shape, np.concatenate([edge, outer]), 0))
    radius = max(2, round(0.03 * shape.unit))
    clean = cv2.inpaint(lips, (band > 0.3).astype(np.uint8), radius, cv2.INPAINT_TELEA)
    return _wet_edge(clean, shape, source, pallor)


def _wet_edge(lips: Array, shape: FaceShape, source: Box, pallor: float) -> Array:
    """``lips`` darker and redder where they roll inwards, as their inner skin is.

    Pale lips get more of it: without, nothing tells an open mouth's lip from the skin.
    """
    points = shape.points[:, :2] - (source.x0, source.y0)
    seam = np.zeros(lips.shape[:2], np.uint8)
    line = np.round(points[list(mesh.UPPER_LIP_ROWS[0])] * 16).astype(np.int32)
    cv2.polylines(seam, [line], False, 255, 1, cv2.LINE_8, 4)
    reach = (WET_REACH[0] + WET_REACH[1] * pallor) * shape.unit
    distance = cv2.distanceTransform(255 - seam, cv2.DIST_L2, 5) / reach
    edge = np.exp(-(distance**2))[..., None]
    return np.clip(lips * (1 - edge * WET_SHADE) + 0.5, 0, 255).astype(np.uint8)


def box_feather(box: Box, unit: float) -> Array:
    """Weight ``(h, w)`` that fades to 0 at the sides and the bottom of the mouth's box."""
    reach = 0.2 * unit
    x, y = np.arange(box.width), np.arange(box.height)[::-1]
    side = smoothstep(np.minimum(x, x[::-1]), 0, reach)
    return (side[None] * smoothstep(y, 0, reach)[:, None]).astype(np.float32)


def build_mouth(image: Array, shape: FaceShape, field: Field, tones: Tones) -> Mouth:
    """The mouth of ``image (h, w, 3)``; ``field`` moves everything but the upper lip."""
    box, source = field.box, mouth_boxes(shape, len(image))[1]
    lips = np.ascontiguousarray(image[source.slices])
    above, below = lip_masks(shape, source)
    inside = own_inside(shape, source)
    return Mouth(
        box=box,
        source=source,
        field=field,
        lips=lips,
        parted=parted_lips(lips, shape, source, tones.pallor),
        above=above,
        below=below,
        inside=None if inside is None else raised_inside(lips, inside, shape),
        feather=box_feather(box, shape.unit),
        interior=paint_interior(shape, tones),
    )


def _sample(texture: Array, where: Array, cubic: bool = False) -> Array:
    flags = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return cv2.remap(texture, where, None, flags, borderMode=cv2.BORDER_REPLICATE)


def draw_mouth(
    out: Array, mouth: Mouth, shape: FaceShape, where: Array, coefficients: Array, pose: Pose
) -> None:
    """Draw the mouth into the crop ``out``; ``where (h, w, 2)`` is the upper layer's sampling map."""
    corner = np.array([mouth.source.x0, mouth.source.y0], np.float32)
    upper_at = where[mouth.box.slices] - corner
    lower_at = mouth.field.backward(mouth.field.displacement(coefficients, pose)) - corner
    opening = float(coefficients[0])
    upper, lips = out[mouth.box.slices], mouth.lips
    parting = float(smoothstep(opening, *PARTING)) if mouth.parted is not None else 0.0
    if mouth.parted is not None and parting > 0:
        lips = cv2.addWeighted(mouth.parted, parting, mouth.lips, 1 - parting, 0)
        upper = _blend_parted(upper, lips, mouth, upper_at)
    lower = _sample(lips, lower_at, cubic=True)
    above = 1 - (1 - _sample(mouth.above, upper_at)) * mouth.feather
    below = _sample(mouth.below, lower_at)
    if float(((1 - above) * (1 - below)).max()) > 0.02:
        inside = _inside(mouth, shape, opening, pose, np.maximum(above, below))
        lower = cv2.blendLinear(lower.astype(np.float32), inside, below, 1 - below)
        lower = np.clip(lower + 0.5, 0, 255).astype(np.uint8)
    out[mouth.box.slices] = cv2.blendLinear(upper, lower, above, 1 - above)


def _blend_parted(upper: Array, lips: Array, mouth: Mouth, where: Array) -> Array:
    """The upper layer with ``lips`` for the photo's; the box's border stays as it was drawn."""
    fresh = _sample(lips, where, cubic=True)
    return cv2.blendLinear(fresh, upper, mouth.feather, 1 - mouth.feather)


def _inside(mouth: Mouth, shape: FaceShape, opening: float, pose: Pose, lips: Array) -> Array:
    """The inside of the mouth over the box, float32; ``lips (h, w)`` shade it."""
    drop = max(opening + min(shape.gap, 0.05), 0.0)
    inside = mouth.interior.paint(shape, pose, drop, mouth.box)
    wide = cv2.GaussianBlur(lips, (0, 0), 0.035 * shape.unit)
    near = cv2.GaussianBlur(lips, (0, 0), 0.010 * shape.unit)
    inside *= (1 - LIP_SHADOW * wide - CONTACT_SHADOW * near)[..., None]
    if mouth.inside is None:
        return inside
    return _own_over(inside, mouth, shape, pose)


def _own_over(inside: Array, mouth: Mouth, shape: FaceShape, pose: Pose) -> Array:
    """The photo's own mouth inside, moving with the skull alone, over the painted one."""
    anchor = mouth.interior.origin
    corners = mesh.from_local(anchor + np.eye(3)[[2, 0, 1]] * [1, 1, 0], shape.frame)
    before, after = corners[:, :2].astype(np.float32), pose.move(corners).astype(np.float32)
    moved = cv2.getAffineTransform(
        before - np.float32([mouth.source.x0, mouth.source.y0]),
        after - np.float32([mouth.box.x0, mouth.box.y0]),
    )
    size = (mouth.box.width, mouth.box.height)
    texture, cover = mouth.inside
    own = cv2.warpAffine(texture, moved, size, flags=cv2.INTER_CUBIC)
    mask = cv2.warpAffine(cover, moved, size, flags=cv2.INTER_LINEAR)
    return cv2.blendLinear(own.astype(np.float32), inside, mask, 1 - mask)
