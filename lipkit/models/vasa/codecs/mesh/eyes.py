"""The eyes: lids that close over the eyeball, and an eyeball that turns behind the lids.

Everything is defined in the photo: a frame's pixel q comes from photo position p by the head's
warp, and lids and gaze only move p further. So pixels are resampled once, and a lid can never
leave the eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.eyeball import Eyeball, build_eyeball, eyeball_shift
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, box_around, smoothstep

Array = NDArray[Any]

RIM_LIFT = 0.022  # IOD; the tracked upper rim often lies on the iris: lid skin starts above it
OVERLAP = 0.012  # IOD that a closed lid goes past the lower rim
# Share of the rim's travel at brow, crease, lash band and rim.
FOLLOWS = (0.0, 0.22, 0.97, 1.0)
LASH_WIDTH = 0.016  # IOD
LASH_DARKNESS = 0.42
OFF = 0.02  # blinks below this are not drawn


@dataclass(frozen=True)
class Eye:
    """One eye; arrays cover ``source``, results cover ``box``, positions are crop pixels.

    ``knots (4, h, w)``: height along ``down (2,)`` of brow, crease, lash band and rim over each
    pixel's column; ``height (h, w)`` the pixel's own; ``travel (h, w)`` of a closing rim; ``lid``
    and ``lash`` mask the skin above the rim and the lash line; ``feather`` covers ``box``.
    """

    box: Box
    source: Box
    down: Array
    height: Array
    knots: Array
    travel: Array
    lid: Array
    lash: Array
    feather: Array
    eyeball: Eyeball


def _columns(points: Array, rows: mesh.EyeRows, name: str, axes: Array, origin: Array) -> Array:
    """Heights and places ``(2, k)`` of an eyelid row along the eye's axes in pixels, left to right."""
    return ((points[list(getattr(rows, name)), :2] - origin) @ axes.T).T


def _lid_rows(shape: FaceShape, rows: mesh.EyeRows, brow: tuple[int, ...], axes: Array) -> Array:
    """Heights ``(6, 64)`` at 64 places: brow, crease, lash band, lid rim, upper and lower rim."""
    origin = shape.points[rows.upper[0], :2]
    names = ("upper_crease", "upper_lash", "upper", "lower")
    crease, lash, upper, lower = (
        _columns(shape.points, rows, name, axes, origin) for name in names
    )
    above = (shape.points[list(brow), :2] - origin) @ axes.T
    order = np.argsort(above[:, 0])
    places = np.linspace(upper[0, 0], upper[0, -1], 64)
    heights = [np.interp(places, r[0], r[1]) for r in (crease, lash, upper, lower)]
    brow_height = np.interp(places, above[order, 0], above[order, 1])
    crease_height, lash_height, upper_height, lower_height = heights
    taper = np.sin(np.pi * np.linspace(0, 1, 64)) ** 0.5
    rim = upper_height - RIM_LIFT * shape.unit * taper
    band = upper_height + 0.45 * (lash_height - upper_height)
    least = 0.008 * shape.unit
    band = np.minimum(band, rim - least)
    crease_height = np.minimum(crease_height, band - 2 * least)
    brow_height = np.minimum(brow_height, crease_height - 4 * least)
    return np.stack([brow_height, crease_height, band, rim, upper_height, lower_height])


def build_eye(image: Array, shape: FaceShape, side: int) -> Eye:
    """The image-left (``side`` 0) or image-right (1) eye of ``image (h, w, 3)``."""
    rows, brow = mesh.EYES[side], (mesh.LEFT_BROW, mesh.RIGHT_BROW)[side]
    points, unit, size = shape.points, shape.unit, (image.shape[1], image.shape[0])
    rims = points[list(rows.upper + rows.lower), :2]
    box = box_around(rims, (0.26 * unit, 0.34 * unit, 0.30 * unit), size)
    source = box_around(rims, (0.42 * unit, 0.55 * unit, 0.46 * unit), size)
    corners = points[[rows.upper[0], rows.upper[-1]], :2]
    right = (corners[1] - corners[0]) / np.linalg.norm(corners[1] - corners[0])
    axes = np.array([right, [-right[1], right[0]]])
    lines = _lid_rows(shape, rows, brow, axes)
    place, height = np.moveaxis((source.pixels() - corners[0]) @ axes.T, -1, 0)
    length = np.linalg.norm(corners[1] - corners[0])
    column = np.clip(place / length, 0, 1) * (lines.shape[1] - 1)
    over = np.stack([_at(line, column) for line in lines]).astype(np.float32)
    gap = lines[5] - lines[4]
    middle = max(float(gap[24:40].mean()), 1e-3)
    travel = gap * (1 + (RIM_LIFT + OVERLAP) * unit / middle)
    soft = max(0.7, 0.008 * unit)
    distance = np.abs(height - over[3])
    inside = smoothstep(place, -0.02 * length, 0.08 * length) * smoothstep(
        length - place, -0.02 * length, 0.08 * length
    )
    lash = inside * np.exp(-((distance / (0.6 * LASH_WIDTH * unit + 0.4)) ** 2))
    return Eye(
        box=box,
        source=source,
        down=axes[1].astype(np.float32),
        height=height.astype(np.float32),
        knots=over[:4],
        travel=_at(np.clip(travel, 0, None), column).astype(np.float32),
        lid=smoothstep(over[3] - height, -soft, soft).astype(np.float32),
        lash=lash.astype(np.float32),
        feather=_feather(box, unit),
        eyeball=build_eyeball(image, shape, rows, source),
    )


def _at(line: Array, column: Array) -> Array:
    """Values of ``line (n,)`` at fractional ``column (h, w)``."""
    return np.interp(column.ravel(), np.arange(len(line)), line).reshape(column.shape)


def _feather(box: Box, unit: float) -> Array:
    """Weight ``(h, w)`` fading to 0 at the sides and the top, where a lid is the photo anyway."""
    reach = 0.1 * unit
    x, y = np.arange(box.width), np.arange(box.height)
    side = smoothstep(np.minimum(x, x[::-1]), 0, reach)
    return (side[None] * smoothstep(y, 0, reach)[:, None]).astype(np.float32)


def lid_slide(eye: Eye, blink: float) -> Array:
    """How far up its column ``(h, w)`` each photo position of a lid comes from, in pixels, <= 0."""
    moved = [knot + blink * share * eye.travel for knot, share in zip(eye.knots, FOLLOWS, strict=True)]
    came = eye.knots[3] - moved[3]
    slide = np.where(eye.height >= moved[3], came, 0).astype(np.float32)
    for i in range(3):
        low, high = moved[i], moved[i + 1]
        within = (eye.height >= low) & (eye.height < high)
        share = (eye.height - low) / np.maximum(high - low, 1e-3)
        source = eye.knots[i] + share * (eye.knots[i + 1] - eye.knots[i])
        slide = np.where(within, source - eye.height, slide)
    return slide


def draw_eye(
    out: Array, image: Array, eye: Eye, where: Array, blink: float, turn: Array | None
) -> None:
    """Draw one eye into the crop ``out``; ``where (h, w, 2)`` is the head's sampling map.

    ``turn (2,)`` is the shift of the iris in photo pixels, None for the photo's own gaze.
    """
    if blink < OFF and turn is None:
        return
    at = where[eye.box.slices]
    corner = np.array([eye.source.x0, eye.source.y0], np.float32)
    drawn = out[eye.box.slices]
    if turn is not None:
        drawn = _draw_gaze(drawn, eye, at, corner, turn)
    if blink >= OFF:
        drawn = _draw_lid(drawn, image, eye, at, corner, min(blink, 1.0))
    out[eye.box.slices] = drawn


def _linear(texture: Array, where: Array) -> Array:
    return cv2.remap(texture, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _draw_gaze(drawn: Array, eye: Eye, at: Array, corner: Array, turn: Array) -> Array:
    came = eyeball_shift(eye.eyeball, at, turn)
    ball = cv2.remap(
        eye.eyeball.texture,
        came - corner,
        None,
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    opening = _linear(eye.eyeball.opening, at - corner)
    return cv2.blendLinear(ball, np.ascontiguousarray(drawn), opening, 1 - opening)


def _draw_lid(
    drawn: Array, image: Array, eye: Eye, at: Array, corner: Array, blink: float
) -> Array:
    slide = _linear(lid_slide(eye, blink), at - corner)
    came = at + slide[..., None] * eye.down
    skin = cv2.remap(image, came, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    cover = _linear(eye.lid, came - corner) * eye.feather
    mixed = cv2.blendLinear(skin, np.ascontiguousarray(drawn), cover, 1 - cover)
    line = _linear(eye.lash, came - corner) * (LASH_DARKNESS * min(1.0, 1.6 * blink))
    return np.clip(mixed * (1 - line[..., None]) + 0.5, 0, 255).astype(np.uint8)
