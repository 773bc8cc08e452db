"""Smooth shapes on a pixel grid: how much of every pixel a shape covers.

A *patch* is a flat piece of the scene under an affine map; its own coordinates are u to the right
and v down. Shapes are given in patch coordinates, coverage is exact to first order at any size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Array = NDArray[Any]


@lru_cache(maxsize=16)
def grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Column ``(1, w)`` and row ``(h, 1)`` numbers."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return x[None, :], y[:, None]


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, and where its pixels lie in a patch: ``u`` and ``v`` ``(h, w)``.

    ``du`` and ``dv`` are the steps of u and v from a pixel to the next one right and down.
    """

    rows: slice
    columns: slice
    u: Floats
    v: Floats
    du: tuple[float, float]
    dv: tuple[float, float]

    def cover(self, distance: Floats, slope_u: Floats | float, slope_v: Floats | float) -> Floats:
        """Coverage where ``distance`` is negative; its slopes along u and v make it pixels."""
        x = slope_u * self.du[0] + slope_v * self.dv[0]
        y = slope_u * self.du[1] + slope_v * self.dv[1]
        pixels = distance / np.sqrt(x * x + y * y + 1e-12)
        return np.asarray((0.5 - pixels).clip(0, 1), np.float32)

    def ellipse(self, u: float, v: float, a: float, b: float) -> Floats:
        """An ellipse about ``(u, v)`` with half axes ``a`` and ``b``."""
        x, y = (self.u - u) / a, (self.v - v) / b
        q = np.sqrt(x * x + y * y) + 1e-6
        return self.cover(q - 1, x / (q * a), y / (q * b))

    def between(self, top: Floats, bottom: Floats) -> Floats:
        """The strip between two curves ``v(u)``, averaged over each pixel's height.

        A strip without height covers nothing, however near a pixel's centre it lies.
        """
        step = float(np.hypot(*self.dv))
        low = np.maximum(top, self.v - step / 2)
        high = np.minimum(bottom, self.v + step / 2)
        return np.asarray((high - low).clip(0, None) / step, np.float32)

    def above(self, curve: Floats | float) -> Floats:
        """What lies over a curve ``v(u)``."""
        return np.asarray((0.5 - (self.v - curve) / float(np.hypot(*self.dv))).clip(0, 1))

    def beside(self, left: float, right: float) -> Floats:
        """What lies between two values of u."""
        step = float(np.hypot(*self.du))
        low = np.maximum(left, self.u - step / 2)
        high = np.minimum(right, self.u + step / 2)
        return np.asarray((high - low).clip(0, None) / step, np.float32)


@dataclass(frozen=True)
class Patch:
    """Where a flat piece lies in the picture: pixel = ``origin (2,)`` + ``axes (2, 2)`` @ uv."""

    origin: Array
    axes: Array

    def window(
        self, size: tuple[int, int], u: tuple[float, float], v: tuple[float, float]
    ) -> Window | None:
        """The pixels of a picture of ``size`` (height, width) that a range of u and v touches."""
        corners = np.array([(a, b) for a in u for b in v]) @ self.axes.T + self.origin
        x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, size[::-1])
        if x0 >= x1 or y0 >= y1:
            return None
        return self.over(size, slice(y0, y1), slice(x0, x1))

    def over(self, size: tuple[int, int], rows: slice, columns: slice) -> Window:
        """Given pixels of a picture of ``size``."""
        (a, b), (c, d) = self.axes.tolist()
        det = a * d - b * c
        du, dv = (d / det, -b / det), (-c / det, a / det)
        across, down = grid(*size)
        x = across[:, columns] - np.float32(self.origin[0])
        y = down[rows] - np.float32(self.origin[1])
        return Window(rows, columns, x * du[0] + y * du[1], x * dv[0] + y * dv[1], du, dv)


class Canvas:
    """A picture ``(h, w, c)`` of float colours 0..255 that shapes are painted on, one over another.

    Channels beyond red, green and blue are labels, 0 or 255: they are painted over like colours.
    """

    def __init__(self, pixels: Floats) -> None:
        self.pixels = pixels
        self.size = pixels.shape[:2]

    def paint(self, window: Window, coverage: Floats, colour: Array) -> None:
        """Lay ``colour (c,)`` or ``(h, w, c)`` over the window as far as it is covered."""
        region = self.pixels[window.rows, window.columns]
        region += coverage[..., None] * (colour - region)
