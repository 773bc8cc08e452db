"""Pictures as LivePortrait's networks take and give them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]


def prepared(images: Array, side: int) -> Tensor:
    """Tensors ``(f, 3, side, side)`` in 0..1 of pictures ``(f, h, w, 3)``, squeezed to squares."""
    if images.shape[1:3] != (side, side):
        images = np.stack([cv2.resize(image, (side, side)) for image in images])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def parsed(drawn: Tensor) -> Array:
    """Pictures ``(f, h, w, 3)`` uint8 of ``drawn (f, 3, h, w)``; fractions are cut, as released."""
    levels = drawn.float().clamp(0, 1) * 255
    return np.ascontiguousarray(levels.to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
