"""Head pose: the rigid part of a motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh

Array = NDArray[Any]

# Trackers see less turn than a warp of a shallow mesh makes; measured on re-tracked frames.
YAW_GAIN = 1.25
PITCH_GAIN = 1.0
NECK = 0.55  # height of the head's own centre below the eyes in IOD


@dataclass(frozen=True)
class Pose:
    """Rotation and zoom about ``pivot (3,)``; a point p moves by ``(p - pivot) @ turn + shift``."""

    pivot: Array
    turn: Array
    shift: Array

    @property
    def still(self) -> bool:
        """Whether the head stays where it is in the photo."""
        return not (self.turn.any() or self.shift.any())

    def move(self, points: Array) -> Array:
        """Picture positions ``(..., 2)`` of ``points (..., 3)`` after the motion."""
        return points[..., :2] + (points - self.pivot) @ self.turn + self.shift


def head_pivot(frame: mesh.FaceFrame, ear_depth: float) -> Array:
    """The head's own centre ``(3,)`` in pixels: turning about it keeps the outline almost still."""
    return frame.origin + frame.unit * frame.rotation @ np.array([0, NECK, ear_depth])


def head_pose(frame: mesh.FaceFrame, pivot: Array, motion: dict[str, float]) -> Pose:
    """The pose that adds ``motion``'s yaw, pitch and roll to those of the photo."""
    asked = np.array([YAW_GAIN, PITCH_GAIN, 1]) * [motion["yaw"], motion["pitch"], motion["roll"]]
    turned = mesh.rotation(mesh.euler(frame.rotation) + asked)
    matrix = (1 + motion["scale"]) * turned @ frame.rotation.T
    if not (asked.any() or motion["scale"]):
        matrix = np.eye(3)  # exactly, not to rounding: an unmoved head keeps its pixels
    turn = (matrix - np.eye(3)).T[:, :2]
    shift = frame.unit * np.array([motion["x"], motion["y"]])
    return Pose(pivot.astype(np.float32), turn.astype(np.float32), shift.astype(np.float32))
