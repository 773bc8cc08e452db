"""A portrait as LivePortrait's codec knows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.faces.landmarks import semantic
from lipkit.models.vasa.codecs.liveportrait import cropping
from lipkit.models.vasa.codecs.liveportrait.layout import EXPRESSION, LIVEPORTRAIT_LAYOUT
from lipkit.models.vasa.codecs.liveportrait.motion import Motion

Array = NDArray[Any]

EYES = ("left_eye", "right_eye")
CORNERS = ("mouth_left", "mouth_right")
# FaceMesh's points where those of LivePortrait's 203 lie by which openings are told.
OPENINGS = {
    6: 159, 18: 145, 0: 33, 12: 133, 30: 386, 42: 374, 24: 362, 36: 263, 90: 13, 102: 14, 48: 61,
    66: 291,
}  # fmt: skip
# What the landmarks of the released crops surround: brows to chin, ear to ear.
AROUND = (*EYES, "left_brow", "right_brow", "nose", "outer_lips", "jaw")


@dataclass(frozen=True, eq=False)
class LivePortraitAppearance:
    """A ``picture (h, w, 3)``, its crop of ``size`` pixels, and what the networks found there.

    ``volume (1, c, d, h, w)`` is what the face looks like, ``motion`` how it lies, one row;
    ``landmarks (1, 203, 2)`` say how far eyes and lips are open, and nothing else.
    """

    picture: Array
    matrix: Array
    size: int
    volume: Tensor
    motion: Motion
    landmarks: Tensor | None = None

    @property
    def rest(self) -> Array:
        """The motion ``(c,)`` that shows the picture as it is."""
        row = np.zeros(len(LIVEPORTRAIT_LAYOUT.channels), np.float32)
        row[EXPRESSION] = 1
        return row

    @cached_property
    def mask(self) -> Array:
        """How much of each pixel of the picture ``(h, w, 1)`` is the crop's, in 0..1."""
        height, width = self.picture.shape[:2]
        crop = cropping.rim_mask(self.size)
        return cropping.placed_mask(crop, self.matrix, (width, height))[..., None]

    def paste(self, crops: Array) -> Array:
        """Whole pictures ``(f, h, w, 3)`` with ``crops (f, s, s, 3)`` in their place."""
        return np.stack(
            [cropping.pasted(self.picture, crop, self.matrix, self.mask) for crop in crops]
        )


def outline(points: Array) -> tuple[Array, Array]:
    """What a crop is laid around: points ``(k, 2)``, and the axis's ends ``(2, 2)``.

    ``points (478, 3)`` are the tracker's; the ends lie between eyes and between mouth corners.
    """
    parts = semantic(np.asarray(points, np.float64)[:, :2], "mediapipe478")
    eyes = np.mean([parts[name].mean(0) for name in EYES], 0)
    mouth = np.mean([parts[name].mean(0) for name in CORNERS], 0)
    return np.concatenate([parts[name] for name in AROUND]), np.stack([eyes, mouth])


def opened(points: Array) -> Tensor:
    """Landmarks ``(1, 203, 2)`` of tracked ``points (478, 3)``: those of eyes and lips alone."""
    found = np.zeros((1, 203, 2), np.float32)
    for place, point in OPENINGS.items():
        found[0, place] = points[point][:2]
    return torch.from_numpy(found)


def driver_box(points: Array) -> Array:
    """The upright box ``(4,)`` around a driver's face in one frame, before it is averaged."""
    around, ends = outline(points)
    square = cropping.square_around(around, cropping.DRIVER, ends)
    return np.concatenate([square.corners[0], square.corners[2]])
