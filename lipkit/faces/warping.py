"""Cutting crops out of pictures and putting them back, at sub-pixel places.

A *matrix* ``(2, 3)`` maps source pixels to crop pixels; pixel centres lie on integers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

BORDERS = {"replicate": cv2.BORDER_REPLICATE, "constant": cv2.BORDER_CONSTANT}
MAX_SIDE = 32766  # cv2 keeps pixel places in 16 bits
MAX_WORK = 6144  # side of the largest oversampled crop


def compose(second: Array, first: Array) -> Array:
    """The matrix ``(..., 2, 3)`` that applies ``first``, then ``second``."""
    linear = second[..., :2] @ first[..., :2]
    shift = second[..., :2] @ first[..., 2:] + second[..., 2:]
    return np.concatenate([linear, shift], -1)


def invert(matrix: Array) -> Array:
    """The matrix ``(..., 2, 3)`` of the way back."""
    linear = np.linalg.inv(np.asarray(matrix[..., :2], np.float64))
    return np.concatenate([linear, -linear @ matrix[..., 2:]], -1)


def transform(points: Array, matrix: Array) -> Array:
    """Points ``(..., k, 2|3)`` under ``matrix (..., 2, 3)``; a z coordinate takes the zoom."""
    moved = points[..., :2] @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]
    if points.shape[-1] == 2:
        return moved
    depth = points[..., 2:] * zoom(matrix)[..., None, None]
    return np.concatenate([moved, depth], -1)


def zoom(matrix: Array) -> Array:
    """Crop pixels per source pixel ``(...)``."""
    return np.asarray(np.sqrt(np.abs(np.linalg.det(np.asarray(matrix[..., :2], np.float64)))))


def scaling(factor: float) -> Array:
    """The matrix that enlarges a picture so that its outer edges, not pixel centres, stay put."""
    shift = (factor - 1) / 2
    return np.array([[factor, 0.0, shift], [0.0, factor, shift]])


def warp(
    image: Array, matrix: Array, size: tuple[int, int], border: str = "replicate", fill: int = 0
) -> Array:
    """The crop ``(h, w[, c])`` of ``size (w, h)``; shrinking averages areas, enlarging is cubic.

    A crop smaller than its source area is cut ``k`` times finer and averaged over ``k x k`` pixels:
    right at any angle and without half-pixel drift, which shrinking the source first would bring.
    """
    factor = float(zoom(matrix))
    fine = max(1, min(math.ceil(1 / factor - 0.05), MAX_WORK // max(size)))
    image, matrix = _within_limits(image, np.asarray(matrix, np.float64), size)
    if fine > 1:
        matrix = compose(scaling(fine), matrix)
    flags = cv2.INTER_CUBIC if factor > 1.2 else cv2.INTER_LINEAR
    large = (size[0] * fine, size[1] * fine)
    mode = BORDERS[border]
    crop = cv2.warpAffine(
        image, matrix, large, flags=flags, borderMode=mode, borderValue=(fill,) * 4
    )
    if fine > 1:
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    return np.asarray(crop)


def _within_limits(image: Array, matrix: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """The part of a huge picture that the crop needs, and the matrix from there."""
    height, width = image.shape[:2]
    if max(height, width) <= MAX_SIDE:
        return image, matrix
    w, h = size
    corners = np.array([(-1.0, -1.0), (w, -1.0), (w, h), (-1.0, h)])
    source = transform(corners, invert(matrix))
    x0, y0 = np.clip(np.floor(source.min(0)) - 2, 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(np.ceil(source.max(0)) + 3, (x0 + 1, y0 + 1), (width, height)).astype(int)
    if max(x1 - x0, y1 - y0) > MAX_SIDE:
        step = math.ceil(max(x1 - x0, y1 - y0) / MAX_SIDE)
        thin = np.ascontiguousarray(image[y0:y1:step, x0:x1:step])
        back = np.array([[step, 0, x0], [0, step, y0]], np.float64)
        return thin, compose(matrix, back)
    return image[y0:y1, x0:x1], compose(matrix, np.array([[1.0, 0, x0], [0, 1.0, y0]]))


def paste(frame: Array, crop: Array, matrix: Array, mask: Array) -> Array:
    """A copy of ``frame (h, w, 3)`` with ``crop`` put back where ``mask`` (crop-sized, 0..1) says.

    Both of 8 or both of 16 bits; the crop may be floating point of the same scale. Pixels where the
    mask is zero are the frame's own, bit for bit.
    """
    height, width = frame.shape[:2]
    (x0, y0, x1, y1) = footprint(matrix, (crop.shape[1], crop.shape[0]), (width, height))
    if x1 <= x0 or y1 <= y0:
        return frame.copy()
    back = compose(np.array([[1.0, 0, -x0], [0, 1.0, -y0]]), invert(matrix))
    size = (x1 - x0, y1 - y0)
    soft = warp(np.asarray(mask, np.float32), back, size, "constant")[..., None]
    patch = warp(crop, back, size).astype(np.float32)
    region = frame[y0:y1, x0:x1]
    mixed = region + soft * (patch - region)
    out = frame.copy()
    rounded = np.clip(np.rint(mixed), 0, np.iinfo(frame.dtype).max).astype(frame.dtype)
    out[y0:y1, x0:x1] = np.where(soft > 0, rounded, region)
    return out


def footprint(
    matrix: Array, size: tuple[int, int], frame_size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """The box x0 y0 x1 y1 (ends excluded) of frame pixels that a crop of ``size`` touches."""
    w, h = size
    corners = np.array([(-0.5, -0.5), (w - 0.5, -0.5), (w - 0.5, h - 0.5), (-0.5, h - 0.5)])
    source = transform(corners, invert(matrix))
    low = np.clip(np.floor(source.min(0)).astype(int) - 1, 0, frame_size)
    high = np.clip(np.ceil(source.max(0)).astype(int) + 2, 0, frame_size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def overlap(first: Array, second: Array) -> Array:
    """Intersection over union ``(m, n)`` of boxes ``(m, 4)`` and ``(n, 4)``."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), -1)
    area = [np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), -1) for b in (first, second)]
    return np.asarray(shared / np.maximum(area[0][:, None] + area[1][None] - shared, 1e-9))


def box_of(points: Array) -> Array:
    """The box ``(..., 4)`` around points ``(..., k, 2|3)``."""
    flat = points[..., :2]
    return np.concatenate([flat.min(-2), flat.max(-2)], -1)
