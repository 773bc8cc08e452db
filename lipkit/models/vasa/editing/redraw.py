"""One frame with another mouth: two lips drawn over what lies between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.lips import lip_masks
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, box_around, smoothstep
from lipkit.models.vasa.editing.donor import Donor, Patch, lend, skin_light
from lipkit.models.vasa.editing.field import mouth_fields
from lipkit.models.vasa.editing.lips import Articulation, Lips, moved, seamed

Array = NDArray[Any]

INNER = frozenset(mesh.UPPER_LIP_ROWS[0] + mesh.LOWER_LIP_ROWS[0])
PART_MARGIN = 0.08  # IOD around the inner lips that their inside is drawn on
STILL = 0.002  # IOD of change that nobody sees
STRETCHED = (0.3, 0.75)  # opening over the frame's own gap, over which a donor's inside replaces it
PARTED = 0.03  # change in IOD from which what lay under the lips is left out
OWN_CLEAR = 0.014  # IOD of the own inside's rim that shows lip
STAYS = 0.4  # of the way down a mouth: between what hangs on the skull and what lies on the lip
TORN = (0.35, 0.6)  # of a mouth's height by which its inside is stretched: hardly seen, too far
SHADOWS = (0.18, 0.03), (0.28, 0.008)  # how lips darken a lent inside, wide and close; reach in IOD


@dataclass(frozen=True)
class Wanted:
    """A mouth: ``aperture`` absolute, ``wider`` a change, both IOD; ``press`` 0..1."""

    aperture: float
    wider: float
    press: float


def redraw(
    image: Array,
    lips: Lips,
    wanted: Wanted,
    articulation: Articulation,
    lent: tuple[Donor, Patch],
) -> Array:
    """``image (h, w, 3)`` float32 0..255, the lower face, with the ``wanted`` mouth.

    ``lips`` lie in its pixels. Where nothing moves, pixels stay as they are.
    """
    box = Box(0, 0, image.shape[1], image.shape[0])
    lips = seamed(lips.points, lips.pose, image)
    change = wanted.aperture - lips.aperture
    if max(abs(change), abs(wanted.wider), 0.1 * wanted.press) < STILL:
        return image
    source, target = moved(lips, articulation, wanted.aperture, wanted.wider, wanted.press)
    fields = mouth_fields(source, target, lips.unit, box)
    upper, lower = _sample(image, fields.upper), _sample(image, fields.lower)
    placed = FaceShape(np.concatenate([target, lips.points[:, 2:]], 1))
    above, below = lip_masks(placed, box)
    if float(((1 - above) * (1 - below)).max()) > 0.02:
        part = _mouth_part(np.concatenate([source, target]), lips.unit, box)
        covers = np.maximum(above, below)[part.slices]
        light = skin_light(image, lips.points, lips.unit)
        inside = _inside(
            image[part.slices].copy(),
            _within(lips, part),
            target - (part.x0, part.y0),
            change,
            lent,
            light,
            covers,
        )
        shown = _over(lower[part.slices].copy(), inside, below[part.slices].copy())
        lower[part.slices] = shown
    return _over(upper, lower, above)


def _sample(image: Array, where: Array) -> Array:
    found = cv2.remap(image, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(found, 0, 255)


def _over(front: Array, back: Array, mask: Array) -> Array:
    return cv2.blendLinear(front, back, mask, 1 - mask)


def _mouth_part(points: Array, unit: float, box: Box) -> Box:
    """The part of ``box`` with both states of the lips, given by ``points (k, 2)``."""
    rows = [i for i in range(len(points)) if i % mesh.POINTS in INNER]
    margin = PART_MARGIN * unit
    return box_around(points[rows], (margin, margin, margin), (box.width, box.height))


def _within(lips: Lips, part: Box) -> Lips:
    """The same lips in pixels of ``part``."""
    corner = np.array([part.x0, part.y0, 0.0])
    pose = mesh.FaceFrame(lips.pose.rotation, lips.pose.origin - corner, lips.pose.unit)
    return Lips(lips.points - corner, pose)


def _inside(
    image: Array,
    lips: Lips,
    target: Array,
    change: float,
    lent: tuple[Donor, Patch],
    light: Array,
    covers: Array,
) -> Array:
    """What lies between the lips: the frame's own mouth, and a lent one where that ends.

    ``target (478, 2)`` is where the lips go, ``change`` by how much they part.
    """
    moving = float(smoothstep(abs(change), 0.0, PARTED))
    if not moving:
        return image
    donor, patch = lent
    box = Box(0, 0, image.shape[1], image.shape[0])
    inside = lend(donor, patch, lips, lips.aperture + change, light, box)
    for depth, reach in SHADOWS:
        shade = cv2.GaussianBlur(covers, (0, 0), max(0.5, reach * lips.unit))
        inside *= (1 - depth * shade)[..., None]
    kept = 1 - float(smoothstep(change / max(lips.aperture, 0.02), *STRETCHED))
    if kept:
        own, mask = own_inside(image, lips, target, box)
        inside = _over(own, inside, np.asarray(kept * mask, np.float32))
    # At rest every pixel is the frame's own; once lips move, those under them are not shown.
    return _over(image, inside, np.full(image.shape[:2], 1 - moving, np.float32))


def own_inside(image: Array, lips: Lips, target: Array, box: Box) -> tuple[Array, Array]:
    """The frame's own mouth ``(h, w, 3)`` filling the ``target (478, 2)`` lips, and its mask.

    What hangs on the skull stays, what lies below follows the lower lip, and the rims, which show
    lip, are left out: their neighbours go on instead. The mask falls where that stretches too far.
    """
    axes = lips.pose.rotation[:2, :2] / np.linalg.norm(lips.pose.rotation[:2, :2], axis=0)
    x, y = np.moveaxis(box.pixels @ axes.astype(np.float32), -1, 0)

    def edge(points: Array, rows: tuple[int, ...]) -> Array:
        along, down = (points[list(rows), :2] @ axes).T
        return np.interp(x, np.maximum.accumulate(along), down).astype(np.float32)

    clear = OWN_CLEAR * lips.unit
    top = edge(lips.points, mesh.UPPER_LIP_ROWS[0]) + clear
    bottom = edge(lips.points, mesh.LOWER_LIP_ROWS[0]) - clear
    above, below = edge(target, mesh.UPPER_LIP_ROWS[0]), edge(target, mesh.LOWER_LIP_ROWS[0])
    height = np.maximum(below - above, 1.0)
    down = (y - above) / height
    lift, push = np.maximum(top - above, 0), np.maximum(below - bottom, 0)
    where = y + lift * np.clip(1 - down / STAYS, 0, 1)
    where -= push * np.clip((down - STAYS) / (1 - STAYS), 0, 1)
    moved = (box.pixels + (where - y)[..., None] * axes[:, 1]).astype(np.float32)
    own = cv2.remap(image, moved, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = 1 - smoothstep((lift + push) / height, *TORN)
    return own, np.asarray(mask)
