"""Head pose: the rigid part of a motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh

Array = NDArray[Any]

NECK = 0.55  # height of the head's own centre below the eyes in IOD


FREE_TURN, SPARE_TURN = 14.0, 8.0  # degrees of yaw and pitch; further, faces warp visibly


@dataclass(frozen=True)
class Gains:
    """How much more than commanded a face moves; the defaults are usual for front views."""

    aperture: float = 1.0
    yaw: float = 1.35
    pitch: float = 1.1


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


def soft_limit(value: float, free: float, spare: float) -> float:
    """``value``, but of what goes beyond ``free`` either way ever less, ``spare`` at most."""
    over = max(abs(value) - free, 0.0)
    return float(np.copysign(min(abs(value), free) + spare * np.tanh(over / spare), value))


def turned_limit(yaw: float) -> float:
    """Share of a commanded yaw that a face photographed at ``yaw`` degrees can take.

    A face seen from the side hides a cheek that a warp cannot invent.
    """
    return float(np.interp(abs(yaw), (25.0, 35.0), (1.0, 0.5)))


def head_pose(frame: mesh.FaceFrame, pivot: Array, motion: dict[str, float], gains: Gains) -> Pose:
    """The pose that adds ``motion``'s yaw, pitch and roll to those of the photo."""
    own = mesh.euler(frame.rotation)
    asked = np.array([motion["yaw"] * gains.yaw, motion["pitch"] * gains.pitch, motion["roll"]])
    asked[0] *= turned_limit(float(own[0]))
    asked[:2] = [soft_limit(float(angle), FREE_TURN, SPARE_TURN) for angle in asked[:2]]
    turned = mesh.rotation(own + asked)
    matrix = (1 + motion["scale"]) * turned @ frame.rotation.T
    if not (asked.any() or motion["scale"]):
        matrix = np.eye(3)  # exactly, not to rounding: an unmoved head keeps its pixels
    turn = (matrix - np.eye(3)).T[:, :2]
    shift = frame.unit * np.array([motion["x"], motion["y"]])
    return Pose(pivot.astype(np.float32), turn.astype(np.float32), shift.astype(np.float32))
