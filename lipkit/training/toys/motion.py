"""What a cartoon's face does: one row of named numbers a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FPS = 25
# aperture: gap of the inner lips at their middle, in distances of the outer eye corners (IOD).
# width: change of the mouth's width, IOD. rounding, tongue, teeth, brow: 0..1. smile: -1..1.
# blink: 0 open, 1 shut, image-left eye first. gaze, pose: degrees, gaze_x to image-right, gaze_y
# down, pose as `faces.mesh.euler`. x, y: IOD. scale: relative zoom, 0 is none.
CHANNELS = (
    "aperture", "width", "rounding", "tongue", "teeth", "smile",
    "blink_left", "blink_right", "gaze_x", "gaze_y", "brow",
    "yaw", "pitch", "roll", "x", "y", "scale",
)  # fmt: skip
INDEX = {name: k for k, name in enumerate(CHANNELS)}
LIPS = ("aperture", "width", "rounding", "tongue", "teeth")
POSE = ("yaw", "pitch", "roll", "x", "y", "scale")
# What reading a picture may find: a little more than what performances show.
LIMITS = {
    "aperture": (0.0, 0.5), "width": (-0.25, 0.15), "rounding": (0, 1), "tongue": (0, 1),
    "teeth": (0, 1), "smile": (-1, 1), "blink_left": (0, 1), "blink_right": (0, 1),
    "gaze_x": (-25, 25), "gaze_y": (-20, 20), "brow": (0, 1), "yaw": (-40, 40),
    "pitch": (-30, 30), "roll": (-30, 30), "x": (-0.4, 0.4), "y": (-0.4, 0.4),
    "scale": (-0.3, 0.4),
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """The motion of one frame, by name."""

    aperture: float = 0.0
    width: float = 0.0
    rounding: float = 0.0
    tongue: float = 0.0
    teeth: float = 1.0
    smile: float = 0.0
    blink_left: float = 0.0
    blink_right: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    brow: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.0
    y: float = 0.0
    scale: float = 0.0

    @classmethod
    def of(cls, row: NDArray[np.floating]) -> State:
        """The state in a row ``(c,)`` of motion."""
        return cls(*(float(value) for value in row))

    def row(self) -> Floats:
        """The row ``(c,)`` of motion."""
        return np.array([getattr(self, name) for name in CHANNELS], np.float32)
