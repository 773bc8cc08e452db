"""The inside of the mouth: painted once in the photo's tones, then placed by the head's pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import Tones
from lipkit.models.vasa.codecs.mesh.warp import Box, smoothstep

Array = NDArray[Any]

# The painted patch in IOD about the middle of the seam, for a mouth of average width.
LEFT, TOP, ACROSS, DOWN = -0.42, -0.20, 0.84, 0.90
AVERAGE_WIDTH = 0.56
# Tooth widths in IOD from the midline outwards.
UPPER_TEETH = (0.092, 0.072, 0.068, 0.055, 0.045)
LOWER_TEETH = (0.056, 0.058, 0.062, 0.055, 0.045)
TEETH_FOLLOW, TONGUE_FOLLOWS = 0.80, 0.52  # of an opening, by the lower teeth and the tongue


@dataclass(frozen=True)
class Layer:
    """A painted tissue, premultiplied RGBA; it ``follows`` the mouth's opening by a share."""

    texture: Array
    follows: float


@dataclass(frozen=True)
class Interior:
    """A painted mouth: ``scale`` pixels per IOD, ``origin (3,)`` and ``axes (2, 3)`` face-local."""

    layers: tuple[Layer, ...]
    cavity: Array
    scale: float
    origin: Array
    axes: Array

    def paint(self, shape: FaceShape, pose: Pose, opening: float, box: Box) -> Array:
        """The mouth's inside over ``box``, ``(h, w, 3)`` float32."""
        out = np.empty((box.height, box.width, 3), np.float32)
        out[:] = self.cavity
        for layer in self.layers:
            affine = self._placed(shape, pose, layer.follows * opening) - [
                [0, 0, box.x0],
                [0, 0, box.y0],
            ]
            size = (box.width, box.height)
            warped = cv2.warpAffine(layer.texture, affine, size, flags=cv2.INTER_LINEAR)
            warped = warped.astype(np.float32)
            out *= 1 - warped[..., 3:] / 255
            out += warped[..., :3]
        return out

    def _placed(self, shape: FaceShape, pose: Pose, drop: float) -> Array:
        """Matrix ``(2, 3)`` from texture to crop pixels for tissue lowered by ``drop`` IOD."""
        corner = self.origin + [0, drop, 0] + self.axes[0] * LEFT + self.axes[1] * TOP
        corners = np.stack([corner, corner + self.axes[0], corner + self.axes[1]])
        moved = pose.move(mesh.from_local(corners, shape.frame))
        right, down = (moved[1:] - moved[0]) / self.scale
        return np.stack([right, down, moved[0]], 1)


def _teeth(where: Array, widths: tuple[float, ...], upper: bool, tone: Array) -> Array:
    """A row of teeth, premultiplied RGBA; ``where (h, w, 2)`` in IOD about the seam's middle."""
    shade, total, alpha = (np.zeros(where.shape[:2]) for _ in range(3))
    offset = 0.0
    for number, width in enumerate(widths):
        for side in (-1, 1):
            inside, light = _tooth(where, side * (offset + width / 2), width, number, upper)
            shade += inside * light
            total += inside
            alpha = np.maximum(alpha, inside)
        offset += width
    light = shade / np.maximum(total, 1e-3) * alpha * (1.0 if upper else 0.56)
    return np.clip(np.dstack([light[..., None] * tone, 255 * alpha]) + 0.5, 0, 255).astype(np.uint8)


def _tooth(
    where: Array, middle: float, width: float, number: int, upper: bool
) -> tuple[Array, Array]:
    """Mask and light ``(h, w)`` of tooth ``number`` from the midline, centred at ``middle``."""
    x, y = where[..., 0], where[..., 1]
    u = (x - middle) / (width / 2)
    rounding = 0.008 * np.abs(u) ** 3
    if upper:
        edge = 0.024 - 0.024 * (middle / 0.3) ** 2 - (0.006 if number == 1 else 0)
        inside = smoothstep(edge - rounding - y, -0.004, 0.004) * (y > edge - 0.13)
        root = np.clip((edge - y) / 0.13, 0, 1)
    else:
        edge = 0.034 - 0.03 * (middle / 0.3) ** 2
        inside = smoothstep(y - (edge + rounding), -0.004, 0.004) * (y < edge + 0.10)
        root = np.clip((y - edge) / 0.10, 0, 1)
    inside = inside * smoothstep(1.07 - np.abs(u), 0.0, 0.10)
    light = (1 - 0.14 * np.abs(u) ** 2.5) * (1 - 0.72 * min(1, abs(middle) / 0.33) ** 2.2)
    return inside, light * (0.93 + 0.07 * np.sin(np.pi * np.clip(root * 1.4, 0, 1)))


def _tongue(where: Array, tone: Array) -> Array:
    """The tongue, premultiplied RGBA: a soft dome with a groove, darker towards the throat."""
    x, y = where[..., 0], where[..., 1]
    back = -0.005 + 0.10 * (x / 0.22) ** 2  # its far edge
    alpha = smoothstep(y - back, -0.01, 0.035) * smoothstep(0.27 - np.abs(x), 0.0, 0.06)
    shade = 0.40 + 0.60 * smoothstep(y - back, 0.0, 0.09)
    shade = shade * (1 - 0.16 * np.exp(-((x / 0.018) ** 2))) * (1 - 0.35 * (x / 0.27) ** 2)
    colour = (alpha * np.clip(shade, 0, 1))[..., None] * tone
    return np.clip(np.dstack([colour, 255 * alpha]) + 0.5, 0, 255).astype(np.uint8)


def paint_interior(shape: FaceShape, tones: Tones) -> Interior:
    """The painted inside of ``shape``'s mouth."""
    scale = max(40.0, 1.25 * shape.unit)
    columns, rows = round(ACROSS * scale), round(DOWN * scale)
    x = (np.arange(columns) + 0.5) / scale + LEFT
    y = (np.arange(rows) + 0.5) / scale + TOP
    where = np.dstack(np.meshgrid(x, y))
    local = shape.local
    left, right = local[mesh.MOUTH_LEFT], local[mesh.MOUTH_RIGHT]
    middle = (local[13] + local[14]) / 2 if not shape.open else local[13] + [0, 0.01, 0]
    across = right - left
    tilt = np.arctan2(across[1], across[0])
    size = np.linalg.norm(across) / AVERAGE_WIDTH
    axes = np.array(
        [[np.cos(tilt) * size, np.sin(tilt) * size, 0], [-np.sin(tilt), np.cos(tilt), 0]]
    )
    return Interior(
        layers=(
            Layer(_tongue(where, tones.tongue), TONGUE_FOLLOWS),
            Layer(_teeth(where, LOWER_TEETH, False, tones.tooth), TEETH_FOLLOW),
            Layer(_teeth(where, UPPER_TEETH, True, tones.tooth), 0.0),
        ),
        cavity=tones.cavity.astype(np.float32),
        scale=scale,
        origin=np.array([0.3 * (left[0] + right[0]) / 2 + 0.7 * middle[0], middle[1], middle[2]]),
        axes=axes,
    )
