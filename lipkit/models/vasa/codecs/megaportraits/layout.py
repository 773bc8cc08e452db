"""The motion space of the MegaPortraits codec."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.vasa.codecs.megaportraits.model import Motion
from lipkit.models.vasa.codecs.megaportraits.pose import POSE
from lipkit.protocols import Layout

Floats = NDArray[np.float32]

TURNS = 3  # channels in degrees: yaw, pitch, roll


def layout_of(width: int) -> Layout:
    """Poses, see `pose`, but with angles in degrees, and an expression of so many numbers.

    Motion is absolute: it says where a head lies in its crop, whoever it is.
    """
    return Layout("megaportraits", (*POSE, *(f"expression_{k}" for k in range(width))))


def rows_of(motion: Motion) -> Floats:
    """Rows ``(f, c)`` of the layout."""
    pose = motion.pose.clone()
    pose[:, :TURNS] = torch.rad2deg(pose[:, :TURNS])
    rows = torch.cat([pose, motion.expression], 1).detach().float().cpu()
    return np.asarray(rows.numpy(), np.float32)


def motion_of(rows: NDArray[Any], like: Tensor) -> Motion:
    """Motion out of rows ``(f, c)``, where and as ``like`` is; sizes stay above nothing."""
    given = torch.from_numpy(np.asarray(rows, np.float32)).to(like)
    pose = given[:, : len(POSE)].clone()
    pose[:, :TURNS] = torch.deg2rad(pose[:, :TURNS])
    pose[:, -1] = pose[:, -1].clamp_min(0.05)
    return Motion(pose, given[:, len(POSE) :])
