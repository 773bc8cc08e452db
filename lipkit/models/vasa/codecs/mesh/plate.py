"""What is behind the person: the background that a moving head uncovers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MARGIN = 0.07  # face heights that the person's cut-out reaches beyond the matte
SOFTNESS = 0.012  # face heights of its blurred edge
SHRINK = 4  # inpainting is slow and its result smooth


@dataclass(frozen=True)
class Cutout:
    """``alpha (h, w)`` 0..1 of the person, and the ``plate (h, w, 3)`` behind it."""

    alpha: Array
    plate: Array


def _ellipse(radius: float) -> Array:
    size = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def cut_out(image: Array, person: Array, face_height: float) -> Cutout:
    """The person of ``image (h, w, 3)`` and the background filled in under the outline.

    The plate equals the photo wherever the cut-out is not fully opaque, so that a person at rest
    over the plate is the photo itself, bit for bit.
    """
    solid = cv2.dilate((person > 0.25).astype(np.float32), _ellipse(MARGIN * face_height))
    alpha = cv2.GaussianBlur(solid, (0, 0), max(0.6, SOFTNESS * face_height))
    alpha = np.clip(alpha * 1.02 - 0.01, 0, 1)
    covered = alpha >= 1
    height, width = person.shape
    small_size = (max(8, width // SHRINK), max(8, height // SHRINK))
    small = cv2.resize(image, small_size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(covered.astype(np.float32), small_size, interpolation=cv2.INTER_AREA)
    hole = (share > 0.01).astype(np.uint8)
    # The deep inside is never uncovered; leaving it alone keeps inpainting quick.
    core = cv2.erode(hole, _ellipse(0.2 * face_height / SHRINK))
    fill = cv2.inpaint(small, hole - core, 4, cv2.INPAINT_TELEA) if hole.any() else small
    fill = cv2.resize(cv2.GaussianBlur(fill, (0, 0), 1.0), (width, height))
    inside = cv2.GaussianBlur(cv2.erode(covered.astype(np.float32), np.ones((3, 3))), (0, 0), 0.7)
    inside = np.where(covered, inside, 0)[..., None]
    plate = np.clip(image * (1 - inside) + fill * inside + 0.5, 0, 255).astype(np.uint8)
    plate = np.where(covered[..., None], plate, image)
    return Cutout(alpha.astype(np.float32), plate)
