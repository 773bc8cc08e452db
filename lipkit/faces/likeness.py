"""Who is who, without a download: how much two faces look alike.

Aligned faces are compared by colour and by the directions of their edges. That tells apart people
in one video under one light, which is what choosing a face by a reference picture needs; it is no
face recognition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.faces.templates import square
from lipkit.faces.warping import warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Face, Frames

SIDE = 64
CELLS = 8
DIRECTIONS = 8


def look(image: Frames, face: Face, scheme: str) -> NDArray[np.float32]:
    """What a face looks like, as a vector of unit length."""
    matrix = square(face.points[None].astype(np.float64), scheme, SIDE, (0, 0))[0]
    crop = warp(image, matrix, (SIDE, SIDE))
    vector = np.concatenate([1.2 * _edges(crop), _colours(crop)])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def likeness_to(image: Frames, face: Face, scheme: str) -> Callable[[Frames, Face], float]:
    """A function that says how much another face is like ``face`` in ``image``: 1 the same."""
    reference = look(image, face, scheme)
    return lambda frame, other: float(reference @ look(frame, other, scheme))


def _edges(crop: NDArray[Any]) -> NDArray[Any]:
    """Histograms of edge directions over a grid, each grid cell by its own strength."""
    luma = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    dx, dy = cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    strength, angle = cv2.cartToPolar(dx, dy)
    index = (angle / (2 * np.pi) * DIRECTIONS).astype(int) % DIRECTIONS
    planes = [np.where(index == i, strength, 0) for i in range(DIRECTIONS)]
    cells = np.stack([cv2.resize(p, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for p in planes])
    cells = np.sqrt(cells / (cells.sum(0) + 5))
    return _unit(cells - cells.mean())


def _colours(crop: NDArray[Any]) -> NDArray[Any]:
    """Coarse Lab colours, brightness relative to the face's own."""
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    coarse = cv2.resize(lab, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    coarse[..., 0] = (coarse[..., 0] - coarse[..., 0].mean()) * 0.5
    return _unit(coarse)


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    flat = values.ravel()
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-9))
