"""Whether clips move alike: LatentSync's TREPA (arXiv:2412.09262, section 3.5)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

SIDE = 224  # of what VideoMAE sees


def seen(clips: Tensor, side: int = SIDE) -> Tensor:
    """Clips ``(b, 3, f, h, w)`` in -1..1 as the video network takes them, in 0..1 at its side.

    Its usual mean and deviation of colours stay out: so LatentSync was trained.
    """
    frames = clips.transpose(1, 2).flatten(0, 1)
    if frames.shape[-2:] != (side, side):
        frames = functional.interpolate(frames, (side, side), mode="bicubic")
    shown = (frames / 2 + 0.5).clamp(0, 1)
    return shown.reshape(len(clips), -1, *shown.shape[1:]).transpose(1, 2)


def tempo_distance(
    look: Callable[[Tensor], Tensor], made: Tensor, real: Tensor, side: int = SIDE
) -> Tensor:
    """The mean squared distance of the directions of features ``look(clips) -> (b, d)``.

    No gradient reaches ``real``.
    """
    with torch.no_grad():
        goal = functional.normalize(look(seen(real, side)))
    return functional.mse_loss(functional.normalize(look(seen(made, side))), goal)
