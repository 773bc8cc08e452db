"""The eyes: lids that close over the eyeball, and an eyeball that turns behind the lids.

A frame's pixel comes from a photo position by the head's warp; lids and gaze only move that
position further. So pixels are resampled once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.eyeball import Eyeball, build_eyeball, eyeball_shift
from lipkit.models.vasa.codecs.mesh.lids import Lid, build_lids, lid_slide
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, box_around, smoothstep

Array = NDArray[Any]

OFF = 0.02  # blinks below this are not drawn,
STILL = 0.25  # nor are lids that move by fewer pixels
STREAKY = (1.6, 3.5)  # stretch over which lid skin turns to its blurred version


@dataclass(frozen=True)
class Eye:
    """One eye: results cover ``box``, what it is made of ``source``; ``feather`` fades the box."""

    box: Box
    source: Box
    lids: tuple[Lid, Lid]
    feather: Array
    eyeball: Eyeball


def build_eye(image: Array, shape: FaceShape, side: int, fade: Array) -> Eye:
    """The image-left (``side`` 0) or image-right (1) eye of ``image (h, w, 3)``.

    ``fade (h, w)`` is 0 where nothing may change.
    """
    rows = mesh.EYES[side]
    rims = shape.points[list(rows.upper + rows.lower), :2]
    unit, size = shape.unit, (image.shape[1], image.shape[0])
    box = box_around(rims, (0.26 * unit, 0.34 * unit, 0.30 * unit), size)
    source = box_around(rims, (0.42 * unit, 0.55 * unit, 0.46 * unit), size)
    return Eye(
        box=box,
        source=source,
        lids=build_lids(image, shape, side, source),
        feather=_feather(box, unit) * fade[box.slices],
        eyeball=build_eyeball(image, shape, rows, source),
    )


def _feather(box: Box, unit: float) -> Array:
    """Weight ``(h, w)`` fading to 0 at the box's border, where lids are the photo anyway."""
    reach = 0.1 * unit
    x, y = np.arange(box.width), np.arange(box.height)
    side = smoothstep(np.minimum(x, x[::-1]), 0, reach)
    height = smoothstep(np.minimum(y, y[::-1]), 0, reach)
    return (side[None] * height[:, None]).astype(np.float32)


def draw_eye(
    out: Array, image: Array, eye: Eye, where: Array, blink: float, turn: Array | None
) -> None:
    """Draw one eye into the crop ``out``; ``where (h, w, 2)`` is the head's sampling map.

    ``turn (2,)`` is the shift of the iris in photo pixels, None for the photo's own gaze.
    """
    if blink < OFF and turn is None:
        return
    at = where[eye.box.slices]
    drawn = np.ascontiguousarray(out[eye.box.slices])
    if turn is not None:
        drawn = _draw_gaze(drawn, eye, at, turn)
    if blink >= OFF:
        for lid in eye.lids:
            if blink * lid.travel.max() > STILL:
                drawn = _draw_lid(drawn, image, eye, lid, at, min(blink, 1.0))
    out[eye.box.slices] = drawn


def _corner(eye: Eye) -> Array:
    return np.array([eye.source.x0, eye.source.y0], np.float32)


def _linear(texture: Array, where: Array) -> Array:
    return cv2.remap(texture, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _draw_gaze(drawn: Array, eye: Eye, at: Array, turn: Array) -> Array:
    came = eyeball_shift(eye.eyeball, at, turn) - _corner(eye)
    ball = cv2.remap(
        eye.eyeball.texture, came, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    opening = _linear(eye.eyeball.opening, at - _corner(eye)) * eye.feather
    return cv2.blendLinear(ball, drawn, opening, 1 - opening)


def _draw_lid(drawn: Array, image: Array, eye: Eye, lid: Lid, at: Array, closing: float) -> Array:
    slide, stretch = lid_slide(lid, closing)
    streaky = smoothstep(stretch, *STREAKY).astype(np.float32)
    local = at - _corner(eye)
    came = at + _linear(slide, local)[..., None] * lid.towards
    inside = came - _corner(eye)
    sharp = cv2.remap(image, came, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(_linear(streaky, local), (0, 0), 1.5)
    skin = cv2.blendLinear(_linear(lid.skin, inside), sharp, blurred, 1 - blurred)
    cover = _linear(lid.cover, inside) * eye.feather
    mixed = cv2.blendLinear(skin, drawn, cover, 1 - cover)
    if not lid.lash.any():
        return mixed
    line = _linear(lid.lash, inside) * eye.feather * min(1.0, 1.6 * closing)
    # Not darker than this: lashes that the photo has already must not turn black.
    return cv2.blendLinear(np.minimum(mixed, lid.line), mixed, line, 1 - line)
