"""Pictures of which a model draws a part anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.faces.masks import feathered
from lipkit.faces.warping import paste

Array = NDArray[Any]

RIM = 1 / 32  # of the crop: within its border the crop fades to the picture


@dataclass(frozen=True, eq=False)
class Canvas:
    """The crop of a picture that a model draws, what is around it, and what it knows of both."""

    image: Array  # (h, w, 3)
    matrix: Array  # (2, 3) picture to crop
    size: int
    sitter: Any

    def paste(self, crops: Array) -> Array:
        """Whole pictures ``(f, h, w, 3)`` with ``crops`` in their place, fading at the rim."""
        rim = np.ones((self.size, self.size), np.float32)
        rim[0], rim[-1], rim[:, 0], rim[:, -1] = 0, 0, 0, 0
        soft = feathered(rim, RIM * self.size)
        return np.stack([paste(self.image, crop, self.matrix, soft) for crop in crops])


def frames_of(crops: Tensor) -> NDArray[np.uint8]:
    """Frames ``(f, h, w, 3)`` of crops ``(f, 3, h, w)`` in -1..1."""
    levels = ((crops.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.asarray(levels.movedim(-3, -1).cpu().numpy())
