"""The lips of a photo: where they are, what parted ones look like, what lies between them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import Tones
from lipkit.models.vasa.codecs.mesh.warp import Box, box_around, polygon_mask

Array = NDArray[Any]

SEAM_BAND = 0.016  # IOD beside the seam that is repainted for parted lips, and further off what
SHADOW_BAND, SHADOW = 0.045, 0.7  # is darker than this share of the usual there
CORNER_OVERLAP = 0.05  # IOD
RAISED = 0.09  # IOD that the photo's own teeth are continued under the upper lip
TOOTH_EDGE = 0.03  # IOD outside the tracked contour where teeth may still show
LIP_BLEED = 0.015  # IOD below the upper lip that still have its colour
WET_REACH = 0.014, 0.012  # IOD, and what pale lips have in addition
WET_SHADE = np.array([0.30, 0.43, 0.41])  # RGB taken away at the inner edge of parted lips


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


def bare_lips(lips: Array, inside: Array, shape: FaceShape, tones: Tones) -> Array:
    """The photo of an open mouth with nothing but lips: no teeth on their edges or between them.

    The tracked contour lies some pixels off the teeth's edge; these would ride on a closing lip.
    """
    reach = max(1, round(TOOTH_EDGE * shape.unit))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    hole = (inside > 0.3).astype(np.uint8)
    near = cv2.dilate(hole, ellipse) > 0
    colours = lips.astype(np.float32)
    to_tooth, to_lip = (
        np.linalg.norm(colours - tone, axis=-1) for tone in (tones.tooth, tones.lip)
    )
    toothy = near & (to_tooth < to_lip)
    radius = max(2, round(0.03 * shape.unit))
    return cv2.inpaint(lips, hole | toothy.astype(np.uint8), radius, cv2.INPAINT_TELEA)


def parted_lips(lips: Array, shape: FaceShape, source: Box, pallor: float) -> Array:
    """The photo without the dark line between closed lips, which else travels with a parted lip."""
    grey = cv2.cvtColor(lips, cv2.COLOR_RGB2GRAY)
    middle = np.median(grey[_seam_band(shape, source, SHADOW_BAND) > 0.3])
    dark = (_seam_band(shape, source, SHADOW_BAND) > 0.3) & (grey < SHADOW * middle)
    hole = dark | (_seam_band(shape, source, SEAM_BAND) > 0.3)
    radius = max(2, round(0.03 * shape.unit))
    clean = cv2.inpaint(lips, hole.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    return _wet_edge(clean, shape, source, pallor)


def _seam_band(shape: FaceShape, source: Box, reach: float) -> Array:
    """Mask ``(h, w)`` of what lies within ``reach`` IOD of the seam of closed lips."""
    points = shape.points[:, :2] - (source.x0, source.y0)
    left, right = points[mesh.MOUTH_LEFT], points[mesh.MOUTH_RIGHT]
    down = np.array([left[1] - right[1], right[0] - left[0]]) / np.linalg.norm(right - left)
    band = np.zeros((source.height, source.width), np.float32)
    for rows, away in ((mesh.UPPER_LIP_ROWS, -down), (mesh.LOWER_LIP_ROWS, down)):
        edge = points[list(rows[0])]
        outer = edge[::-1] + reach * shape.unit * away
        band = np.maximum(band, polygon_mask(band.shape, np.concatenate([edge, outer]), 0))
    return band


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
