"""Changes to drivers' faces that leave their expression alone (arXiv:2207.07621, section 3.2).

A spline bends the face, so that its shape tells nothing of who it is; colours are shaken for the
same reason; the crop moves, so that it tells nothing of how the head lies.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.interpolate import RBFInterpolator
from torch import Tensor
from torch.nn import functional

from lipkit.models.vasa.codecs.megaportraits.training_config import DriverChanges

KNOTS = 4  # along each side


@lru_cache(maxsize=4)
def spline(side: int) -> Tensor:
    """What each knot's shift adds to each pixel's ``(side * side, KNOTS * KNOTS)``.

    Thin plate splines (Duchon 1977) are linear in what they interpolate.
    """

    def square(count: int) -> np.ndarray:
        axis = np.linspace(-1, 1, count)
        return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)

    interpolate = RBFInterpolator(square(KNOTS), np.eye(KNOTS**2), kernel="thin_plate_spline")
    return torch.from_numpy(interpolate(square(side))).float()


def changed(faces: Tensor, how: DriverChanges) -> Tensor:
    """``faces (b, 3, s, s)`` in -1..1, each bent, cropped and coloured by chance."""
    size, side = len(faces), faces.shape[-1]
    chance = torch.rand(size, KNOTS**2, 2) * 2 - 1
    bent = (spline(side) @ (how.bend * chance)).view(size, side, side, 2)
    move = torch.eye(2, 3).repeat(size, 1, 1)
    move[:, :, :2] *= 1 + how.zoom * (2 * torch.rand(size, 1, 1) - 1)
    move[:, :, 2] = how.shift * (2 * torch.rand(size, 2) - 1)
    grid = functional.affine_grid(move, [size, 3, side, side], align_corners=False) + bent
    seen = functional.grid_sample(faces, grid.to(faces), padding_mode="border", align_corners=False)
    return coloured(seen, how.colour)


def coloured(pictures: Tensor, strength: float) -> Tensor:
    """``pictures (b, 3, h, w)`` with other contrast, brightness and colours, each its own."""
    gain = 1 + strength * (2 * torch.rand(len(pictures), 3, 1, 1) - 1)
    lift = strength / 2 * (2 * torch.rand(len(pictures), 3, 1, 1) - 1)
    return (pictures * gain.to(pictures) + lift.to(pictures)).clamp(-1, 1)
