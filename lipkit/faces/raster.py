"""Meshes drawn into pictures: which triangle each pixel shows, and where in it the pixel lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

FINE = 4  # binary places of a pixel at which corners are put
FAR = 1 << 20  # pixels beyond which corners are cut off: cv2 keeps places in 32 bits


class Drawn(NamedTuple):
    """A mesh in a picture."""

    triangle: Array  # (h, w) its number, -1 where there is none
    share: Array  # (h, w, 3) of its corners, summing to 1; 0 where there is none

    @property
    def inside(self) -> Array:
        """Pixels ``(h, w)`` that show the mesh."""
        return np.asarray(self.triangle >= 0)

    def carry(self, values: Array, triangles: Array) -> Array:
        """Values ``(k, c)`` of vertices on the pixels ``(h, w, c)``, 0 outside."""
        made = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        inside = self.inside
        corners = values[triangles[self.triangle[inside]]]
        made[inside] = np.einsum("nk,nkc->nc", self.share[inside], corners)
        return made


def facing(points: Array, triangles: Array) -> Array:
    """Which triangles ``(t,)`` of ``points (k, 2|3)`` in pixels show their front.

    Their corners run counter-clockwise on the screen then, as those of the canonical face do.
    """
    a, b, c = np.moveaxis(points[triangles][..., :2], 1, 0)
    first, second = b - a, c - a
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0)


def draw(points: Array, triangles: Array, size: tuple[int, int], shown: Array) -> Drawn:
    """The triangles ``shown (t,)`` of ``points (k, 3)`` in a picture of ``size``, width first.

    Points are in pixels, with depths that grow away from the camera. Nearer triangles lie over
    farther ones, by the mean depth of their corners: what a smooth surface needs, at the price of
    one fill a triangle.
    """
    numbers = np.flatnonzero(shown)
    depth = points[triangles[numbers], 2].mean(1)
    numbers = numbers[np.argsort(-depth, kind="stable")]
    places = np.clip(points[:, :2], -FAR, FAR)
    corners = np.rint(places[triangles[numbers]] * (1 << FINE)).astype(np.int32)
    seen = np.zeros((size[1], size[0]), np.float32)  # cv2 fills no wide integers
    for number, corner in zip(numbers.tolist(), corners, strict=True):
        cv2.fillConvexPoly(seen, corner, number + 1, cv2.LINE_8, FINE)
    triangle = seen.astype(np.int32) - 1
    share = np.zeros((*triangle.shape, 3), np.float32)
    inside = triangle >= 0
    rows, columns = np.nonzero(inside)
    share[inside] = barycentric(points[triangles[triangle[inside]]][..., :2], columns, rows)
    return Drawn(triangle, share)


def barycentric(corners: Array, x: Array, y: Array) -> Array:
    """Shares ``(n, 3)`` of triangles' ``corners (n, 3, 2)`` at points; none is less than 0.

    Pixels at a rim, whose middles lie outside, get the shares of a point on it.
    """
    a, b, c = np.moveaxis(corners, 1, 0)
    first, second = b - a, c - a
    third = np.stack([x, y], 1) - a
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    right = (third[:, 0] * second[:, 1] - third[:, 1] * second[:, 0]) / area
    left = (first[:, 0] * third[:, 1] - first[:, 1] * third[:, 0]) / area
    shares = np.stack([1 - right - left, right, left], 1).clip(0, None)
    return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)
