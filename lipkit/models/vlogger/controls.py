"""What a drawn frame is told of a mesh: places, regions, and the reference's pixels moved along.

Section 3.2: dense maps of template places, masks of regions, and a partial warp of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import raster
from lipkit.faces.canonical import VERTICES, canonical
from lipkit.faces.mesh import EYES, LEFT_BROW, LOWER_LIP_ROWS, RIGHT_BROW, UPPER_LIP_ROWS
from lipkit.models.vlogger import pose

Array = NDArray[Any]

# Nobody tracks the last two here; their masks are empty.
REGIONS = ("skin", "lips", "mouth", "eyes", "brows", "irises", "body", "hands")
DENSE, WARP = 3, 4  # channels: template places; colours, and where they are known
CHANNELS = DENSE + len(REGIONS) + WARP
SEEN_AT = 128  # pixels at which it is found out what of a mesh is hidden
BEHIND = 0.06  # of the face's height: so far behind what is drawn a place counts as hidden


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture and the mesh in it."""

    picture: Array  # (r, r, 3) uint8
    points: Array  # (478, 3) pixels, depth away from the camera
    visible: Array  # (898,) triangles that it shows


def reference_of(picture: Array, points: Array) -> Reference:
    """A picture ``(r, r, 3)`` with the mesh's ``points (478, 3)`` in its pixels."""
    scale = SEEN_AT / len(picture)
    return Reference(picture, points, visible(points * scale, (SEEN_AT, SEEN_AT)))


def visible(points: Array, size: tuple[int, int]) -> Array:
    """Triangles ``(898,)`` of ``points (478, 3)`` that face the camera with nothing before them."""
    triangles = canonical().triangles
    shown = raster.facing(points, triangles)
    drawn = raster.draw(points, triangles, size, shown)
    depth = points[triangles, 2].mean(1)
    x, y = np.rint(points[triangles, :2].mean(1)).astype(int).T
    inside = (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])
    shown &= inside
    before = drawn.triangle[y[shown], x[shown]]
    height = np.ptp(points[:VERTICES, 1])
    shown[shown] = (before < 0) | (depth[shown] - depth[before] < BEHIND * height)
    return shown


def placed(meshes: Array, matrices: Array, side: int) -> Array:
    """Points ``(f, 478, 3)`` of ``meshes (f, 478, 3)`` in pictures of ``side`` pixels.

    Depth is in centimetres, away from the camera.
    """
    seen = pose.project(meshes, matrices, (side, side)) - 0.5
    depth = meshes @ matrices[:, 2, :3, None] + matrices[:, 2, 3, None, None]
    return np.concatenate([seen, -depth], 2)


def controls_of(points: Array, reference: Reference, fine: int) -> Array:
    """Controls ``(c, r, r)`` float16 of one frame's ``points (478, 3)`` in the picture's pixels.

    Places and masks are 0..1, colours -1..1, and 0 where nothing is known. All is drawn ``fine``
    times larger and averaged.
    """
    side = len(reference.picture)
    large = side * fine
    moved = points * [fine, fine, 1] + [(fine - 1) / 2, (fine - 1) / 2, 0]
    face = canonical()
    drawn = raster.draw(moved, face.triangles, (large, large), raster.facing(moved, face.triangles))
    dense = drawn.carry(template(), face.triangles)
    regions = masks(moved, drawn)
    made = np.concatenate([dense, regions, warped(drawn, reference)], 2)
    if fine > 1:
        made = made.reshape(side, fine, side, fine, -1).mean((1, 3))
    return np.moveaxis(made, 2, 0).astype(np.float16)


def masks(points: Array, drawn: raster.Drawn) -> Array:
    """Regions ``(h, w, n)``: 1 where a pixel is of one, 0 elsewhere."""
    inside = drawn.inside
    kind = np.where(inside, classes()[drawn.triangle], -1)
    iris = np.zeros(kind.shape, np.uint8)
    for eye in EYES:
        middle, *rim = points[list(eye.iris), :2]
        radius = float(np.linalg.norm(np.array(rim) - middle, axis=1).mean())
        place = np.rint(np.clip(middle, -raster.FAR, raster.FAR) * 16).astype(int).tolist()
        cv2.circle(iris, place, round(radius * 16), 1, -1, cv2.LINE_8, 4)
    kind[(iris > 0) & (kind == REGIONS.index("eyes"))] = REGIONS.index("irises")
    return np.asarray(kind[..., None] == np.arange(len(REGIONS)), np.float32)


def warped(drawn: raster.Drawn, reference: Reference) -> Array:
    """The reference's pixels where the mesh has moved them, and where they are known ``(h, w, 4)``.

    Vertices carry their place in the reference instead of a colour, so that what lies between them
    comes along.
    """
    known = drawn.inside & reference.visible[drawn.triangle]
    place = drawn.carry(reference.points[:, :2].astype(np.float32), canonical().triangles)
    colours = cv2.remap(
        reference.picture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    shares = (colours.astype(np.float32) / 127.5 - 1) * known[..., None]
    return np.concatenate([shares, known[..., None]], 2)


@cache
def template() -> Array:
    """Each vertex's place ``(468, 3)`` on the canonical face, in shares of its bounds."""
    face = canonical().vertices
    low, high = face.min(0), face.max(0)
    return np.asarray((face - low) / (high - low), np.float32)


@cache
def classes() -> Array:
    """The region of each triangle ``(898,)``."""
    rows = (*UPPER_LIP_ROWS, *LOWER_LIP_ROWS)
    within = {k for row in (UPPER_LIP_ROWS[0], LOWER_LIP_ROWS[0]) for k in row}
    kinds = (
        ("brows", [set(LEFT_BROW), set(RIGHT_BROW)]),
        ("eyes", [{*eye.upper, *eye.lower} for eye in EYES]),
        ("lips", [{k for row in rows for k in row}]),
        ("mouth", [within]),
    )
    found = np.zeros(len(canonical().triangles), np.int64)
    for name, groups in kinds:  # later ones are parts of earlier ones
        for group in groups:
            of = np.isin(canonical().triangles, list(group)).all(1)
            found[of] = REGIONS.index(name)
    return found
