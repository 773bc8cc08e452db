"""The motion space of the LivePortrait codec."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.vasa.codecs.liveportrait.motion import Motion
from lipkit.protocols import Layout

Floats = NDArray[np.float32]

POINTS = 21
EXPRESSION = 3 * POINTS

# Motion is told as a change since the driver's first frame, so that any row can be drawn by itself:
#   expression_K_A  displacement of keypoint K along axis A
#   scale           factor
#   shift_A         along axis A
#   pitch yaw roll  degrees of the turn since the first frame
#   lips            1: the lips' displacements are no changes, but take the place of the portrait's;
#                   2: nothing is a change, all of it is the driver's face as it is
LIVEPORTRAIT_LAYOUT = Layout(
    "liveportrait",
    (
        *(f"expression_{point}_{axis}" for point in range(POINTS) for axis in "xyz"),
        "scale", "shift_x", "shift_y", "shift_z", "pitch", "yaw", "roll", "lips",
    ),
)  # fmt: skip


def still() -> Motion:
    """The motion of no change, a single row."""
    return read(np.concatenate([np.zeros(EXPRESSION), [1], np.zeros(7)])[None])


def read(rows: NDArray[Any]) -> Motion:
    """Motion out of rows ``(f, c)`` of the layout."""
    rows = torch.from_numpy(np.asarray(rows, np.float32))
    expression = rows[:, :EXPRESSION].unflatten(1, (-1, 3))
    scale, shift, pitch, yaw, roll, _ = rows[:, EXPRESSION:].split([1, 3, 1, 1, 1, 1], 1)
    return Motion(torch.zeros_like(expression), expression, pitch, yaw, roll, shift, scale)


def changes(motion: Motion, first: Motion, lips: tuple[int, ...] = ()) -> Floats:
    """Rows ``(f, c)`` of ``motion`` since ``first``; keypoints ``lips`` are told as they are."""
    turn = motion.rotation @ first.rotation.transpose(1, 2)
    moved = motion.expression - first.expression
    if lips:
        moved = moved.clone()
        moved[:, list(lips)] = motion.expression[:, list(lips)]
    rows = [
        moved.flatten(1),
        motion.scale / first.scale,
        motion.shift - first.shift,
        angles(turn),
        torch.full_like(motion.scale, float(bool(lips))),
    ]
    return torch.cat(rows, 1).float().cpu().numpy()


def entire(motion: Motion) -> Floats:
    """Rows ``(f, c)`` of ``motion`` as it is."""
    rows = changes(motion, still())
    rows[:, -1] = 2
    return rows


def mode_of(rows: NDArray[Any]) -> Literal["relative", "speech", "absolute"]:
    """How rows ``(f, c)`` are to be read: the driving rule's mode."""
    flag = float(rows[0, -1])
    return "absolute" if flag > 1.5 else "speech" if flag > 0.5 else "relative"


def angles(turn: Tensor) -> Tensor:
    """Pitch, yaw and roll ``(f, 3)`` in degrees of rotations ``(f, 3, 3)`` for rows of points."""
    own = turn.transpose(1, 2)
    pitch = torch.atan2(own[:, 2, 1], own[:, 2, 2])
    yaw = torch.atan2(-own[:, 2, 0], torch.hypot(own[:, 2, 1], own[:, 2, 2]))
    roll = torch.atan2(own[:, 1, 0], own[:, 0, 0])
    return torch.rad2deg(torch.stack([pitch, yaw, roll], 1))
