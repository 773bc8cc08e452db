"""LivePortrait's crops: where they lie by a face's landmarks, and how they are put back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RIM = 16  # pixels of a 512 crop over which a pasted one fades
FULL = 512
STEPS = 32  # places that are told apart within a pixel
FINE = 1024  # parts of a pixel that are counted before


@dataclass(frozen=True)
class Eyes:
    """Which landmarks of a scheme lie around the eyes and the mouth; each is averaged."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    lips: tuple[int, ...]


SCHEMES = {  # by the number of landmarks
    203: Eyes((0, 6, 12, 18), (24, 30, 36, 42), (48, 66)),
    106: Eyes((33, 35, 40, 39), (87, 89, 94, 93), (52, 61)),
    101: Eyes((39, 42, 45, 48), (51, 54, 57, 60), (75, 81)),
    68: Eyes((36, 39), (42, 45), (48, 54)),
    9: Eyes((2, 3), (0, 1), (5, 6)),
    5: Eyes((0,), (1,), (3, 4)),
}


@dataclass(frozen=True)
class Framing:
    """How a crop lies around a face; the defaults are those of a source picture.

    ``scale`` times the face's extent, moved ``right`` and ``down`` by shares of its side along the
    face's own axes; turned with the face or upright.
    """

    scale: float = 2.3
    right: float = 0.0
    down: float = -0.125
    turned: bool = True


DRIVER = Framing(scale=2.2, down=-0.1, turned=False)


@dataclass(frozen=True)
class Square:
    """Where a crop lies in its picture: ``centre (2,)``, ``size (2,)``, turned by ``angle``."""

    centre: Array
    size: Array
    angle: float

    @property
    def corners(self) -> Array:
        """Corners ``(4, 2)`` of the upright square, clockwise from above left."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        return self.centre + signs * self.size / 2

    @property
    def turned_corners(self) -> Array:
        """Corners ``(4, 2)`` of the turned square."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return (self.corners - self.centre) @ np.array([[c, s], [-s, c]]) + self.centre


def axis(points: Array) -> Array:
    """From between the eyes to the mouth: two places ``(2, 2)`` of landmarks ``(k, 2)``."""
    scheme = SCHEMES[len(points)]
    left, right, lips = (points[list(i)].mean(0) for i in (scheme.left, scheme.right, scheme.lips))
    return np.stack([(left + right) / 2, lips])


def axis_of_eyes(points: Array) -> Array:
    """From the left eye straight down, as far as the right one is away: ``(2, 2)``."""
    scheme = SCHEMES[len(points)]
    left, right = points[list(scheme.left)].mean(0), points[list(scheme.right)].mean(0)
    x, y = right - left
    return np.stack([left, left + np.array([-y, x])])


def square_around(points: Array, framing: Framing, ends: Array | None = None) -> Square:
    """The square around landmarks ``(k, 2)``, along the axis of the face.

    The axis has its ``ends (2, 2)`` where `axis` finds them, unless they are given.
    """
    down = np.subtract(*(axis(points) if ends is None else ends)[::-1])
    length = float(np.linalg.norm(down))
    down = down / length if length > 1e-3 else np.array([0.0, 1.0], points.dtype)
    right = np.array([down[1], -down[0]])
    middle = points.mean(0)
    own = (points - middle) @ np.stack([right, down]).T
    low, high = own.min(0), own.max(0)
    side = (high - low).max() * framing.scale
    x, y = (low + high) / 2 + np.array([framing.right, framing.down]) * side
    angle = float(np.arccos(np.clip(right[0], -1, 1)))
    return Square(
        middle + right * x + down * y, np.array([side, side]), -angle if right[1] < 0 else angle
    )


def crop_matrix(square: Square, size: int, turned: bool = True) -> Array:
    """The matrix ``(2, 3)`` from picture to crop of ``size`` pixels."""
    zoom = size / square.size[0]
    angle = square.angle if turned else 0.0
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    shift = size / 2 - turn @ square.centre
    return np.concatenate([turn, shift[:, None]], 1).astype(np.float32).astype(np.float64)


def source_matrix(points: Array, framing: Framing, size: int, ends: Array | None = None) -> Array:
    """The matrix ``(2, 3)`` of a face's crop; moved down alone, as in the released code."""
    framing = replace(framing, right=0.0)
    square = square_around(points, framing, ends)
    return crop_matrix(square, size, framing.turned)


def box_matrix(box: Array, size: int, angle: float = 0.0) -> Array:
    """The matrix ``(2, 3)`` of a square box ``(4,)`` left, top, right, bottom."""
    side = box[2] - box[0]
    square = Square((box[:2] + box[2:]) / 2, np.array([side, side]), angle)
    return crop_matrix(square, size)


def inverse(matrix: Array) -> Array:
    """The matrix ``(2, 3)`` of the way back."""
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


def cut(image: Array, matrix: Array, size: tuple[int, int]) -> Array:
    """The part ``size (w, h)`` of a picture that a matrix says; zeros outside of the picture.

    Places are counted in 1/32 of a pixel, as OpenCV did when the networks were trained; since its
    version 5 `cv2.warpAffine` looks elsewhere by up to a sixty-fourth.
    """
    back = inverse(matrix)
    along, across = np.arange(size[0]), np.arange(size[1])
    steps = np.rint(back[:, :1] * along * FINE).astype(np.int64)  # (2, w)
    starts = np.rint((back[:, 1:2] * across + back[:, 2:]) * FINE).astype(np.int64)  # (2, h)
    places = (starts[:, :, None] + steps[:, None] + FINE // STEPS // 2) // (FINE // STEPS)
    whole = np.clip(places // STEPS, -32768, 32767).astype(np.int16)
    part = places % STEPS
    weights = (part[1] * STEPS + part[0]).astype(np.uint16)
    return np.asarray(cv2.remap(image, np.stack(whole, -1), weights, cv2.INTER_LINEAR))


def halved(crop: Array, side: int) -> Array:
    """A crop as the networks see it, ``side`` pixels wide; areas are averaged."""
    return np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA))


def rim_mask(size: int = FULL) -> Array:
    """The weight ``(size, size)`` uint8 of a crop's pixels: full inside, fading to its rim."""
    places = np.arange(FULL)
    outside = np.maximum(np.maximum(RIM - places, places - (FULL - RIM)), 0)
    distance = np.hypot(outside[:, None], outside[None])
    mask = np.floor(255 * (1 - np.minimum(1, distance / RIM))).astype(np.uint8)
    return mask if size == FULL else halved(mask, size)


def placed_mask(mask: Array, matrix: Array, frame_size: tuple[int, int]) -> Array:
    """The weight ``(h, w[, c])`` in 0..1 of a crop in a picture of ``frame_size (w, h)``.

    ``matrix`` is the crop's, from the picture.
    """
    return cut(mask, inverse(matrix), frame_size).astype(np.float32) / 255


def pasted(image: Array, crop: Array, matrix: Array, mask: Array) -> Array:
    """``image (h, w, 3)`` with a crop back in its place, by ``mask (h, w, 1|3)`` in 0..1."""
    back = cut(crop, inverse(matrix), (image.shape[1], image.shape[0]))
    return np.clip(mask * back + (1 - mask) * image, 0, 255).astype(np.uint8)


def limited(image: Array, longest: int = 1280, multiple: int = 2) -> Array:
    """``image`` at most ``longest`` pixels long, cut to a multiple of so many pixels."""
    height, width = image.shape[:2]
    if max(height, width) > longest:
        zoom = longest / max(height, width)
        size = (longest, int(height * zoom)) if width >= height else (int(width * zoom), longest)
        image = cv2.resize(image, size)
        height, width = image.shape[:2]
    return image[: height - height % multiple, : width - width % multiple]
