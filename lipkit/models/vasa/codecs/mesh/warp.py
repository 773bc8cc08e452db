"""Smooth warps of a picture: thin-plate splines on a coarse grid, and their inversion.

A warp is known forwards (where each point of the photo goes) and needed backwards (where each pixel
of the new frame comes from). Both live on a grid of about 128 cells a side whatever the picture's
size, which costs the same for every resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.models.vasa.codecs.mesh.pose import Pose

Array = NDArray[Any]

# Plain fixed-point steps b <- -d(q + b) diverge where skin stretches more than twofold and would
# print lip texture inside the mouth; damped ones converge up to a stretch of 2 / DAMPING.
DAMPING = 0.5
STEPS = 14


def thin_plate(controls: Array, values: Array, points: Array, smoothing: float = 1e-3) -> Array:
    """Values ``(m, k)`` at ``points (m, 2)`` of a smoothing thin-plate spline, positions in IOD.

    The spline goes through ``values (n, k)`` at ``controls (n, 2)``.
    """

    def kernel(a: Array, b: Array) -> Array:
        # |a - b|^2 by one matrix product: the array of differences would be three times larger.
        squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
        np.maximum(squares, 1e-9, out=squares)
        return 0.5 * squares * np.log(squares)

    n = len(controls)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = kernel(controls, controls) + smoothing * np.eye(n)
    system[:n, n:] = np.c_[np.ones(n), controls]
    system[n:, :n] = system[:n, n:].T
    targets = np.concatenate([values, np.zeros((3, values.shape[1]))])
    weights = np.linalg.solve(system, targets).astype(np.float32)
    near, far = points.astype(np.float32), controls.astype(np.float32)
    return kernel(near, far) @ weights[:n] + np.c_[np.ones_like(near[:, :1]), near] @ weights[n:]


@dataclass(frozen=True)
class Box:
    """Whole pixels ``x0 <= x < x1``, ``y0 <= y < y1``."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.y1 - self.y0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    @cached_property
    def pixels(self) -> Array:
        """Pixel positions ``(h, w, 2)`` float32."""
        x, y = np.meshgrid(np.arange(self.x0, self.x1), np.arange(self.y0, self.y1))
        return np.dstack([x, y]).astype(np.float32)


def box_around(points: Array, margins: tuple[float, float, float], size: tuple[int, int]) -> Box:
    """Box about ``points (k, 2)`` with margins (sides, top, bottom) in pixels, inside ``size``."""
    side, top, bottom = margins
    low = points.min(0) - np.array([side, top])
    high = points.max(0) + np.array([side, bottom])
    x0, y0 = (int(np.clip(np.floor(v), 0, s - 2)) for v, s in zip(low, size, strict=True))
    x1, y1 = (int(np.clip(np.ceil(v), 2, s)) for v, s in zip(high, size, strict=True))
    return Box(x0, y0, max(x1, x0 + 2), max(y1, y0 + 2))


def grid_of(box: Box, step: float) -> Array:
    """Centres ``(h, w, 2)`` of cells of about ``step`` pixels that tile ``box``."""
    columns = max(2, round(box.width / step))
    rows = max(2, round(box.height / step))
    x = (np.arange(columns) + 0.5) * box.width / columns - 0.5 + box.x0
    y = (np.arange(rows) + 0.5) * box.height / rows - 0.5 + box.y0
    return np.dstack(np.meshgrid(x, y)).astype(np.float32)


@dataclass(frozen=True)
class Field:
    """A smooth deformation of a box of the picture.

    ``points (h, w, 3)``: grid positions and depth in pixels; ``weight (h, w)``: how far each
    follows the head's pose; ``basis (k, h, w, 3)``: displacement in pixels per unit of each
    coefficient.
    """

    box: Box
    points: Array
    weight: Array
    basis: Array

    def displacement(self, coefficients: Array, pose: Pose) -> Array:
        """Where each grid point goes, as a displacement ``(h, w, 2)`` in pixels."""
        bent = np.tensordot(coefficients, self.basis, 1)
        arm = self.points + bent - pose.pivot
        turned = arm @ pose.turn + pose.shift
        return bent[..., :2] + self.weight[..., None] * turned

    def backward(self, displacement: Array) -> Array:
        """Where each pixel of the box comes from: positions ``(H, W, 2)`` float32."""
        rows, columns = displacement.shape[:2]
        cell = np.array([self.box.width / columns, self.box.height / rows], np.float32)
        # In cells, so that a step of the iteration is a single remap.
        forward = np.ascontiguousarray(displacement / cell, np.float32)
        start = Box(0, 0, columns, rows).pixels
        back = -forward
        for _ in range(STEPS):
            moved = cv2.remap(
                forward, start + back, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            back = (1 - DAMPING) * back - DAMPING * moved
        size = (self.box.width, self.box.height)
        return cv2.resize(back * cell, size, interpolation=cv2.INTER_LINEAR) + self.box.pixels


def polygon_mask(shape: tuple[int, int], polygon: Array, blur: float = 0.7) -> Array:
    """Anti-aliased inside of ``polygon (k, 2)``, float32 0..1, softened by ``blur`` pixels."""
    over = 4
    mask = np.zeros((shape[0] * over, shape[1] * over), np.uint8)
    corners = np.round((np.asarray(polygon) + 0.5) * over * 16 - 8).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, shift=4)
    small = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return cv2.GaussianBlur(small, (0, 0), blur) if blur else small


def smoothstep(x: Any, low: float, high: float) -> Any:
    """0 below ``low``, 1 above ``high``, a smooth cubic between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
