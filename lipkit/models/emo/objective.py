"""How fast heads turn, which EMO's training reads from clips."""

from __future__ import annotations

import torch
from torch import Tensor


def degrees_between(rotations: Tensor) -> Tensor:
    """Head speeds ``(f,)`` in degrees from frame to frame of rotations ``(f, 3, 3)``.

    The first frame has the speed of the second.
    """
    turn = rotations[1:] @ rotations[:-1].transpose(-1, -2)
    trace = turn.diagonal(dim1=-2, dim2=-1).sum(-1)
    speed = torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))
    return torch.cat([speed[:1], speed]) if len(speed) else rotations.new_zeros(len(rotations))
