"""LatentSync's own crop, masks and paste of pixels, number for number.

The weights saw crops sampled, filled and truncated in just this way, and the paste belongs to the
published results. ``warping`` does both with less loss.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from lipkit.faces.latentsync import crop_size

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Array = NDArray[Any]

GREY = 127
MASK_SIZE = 256
CELL = 8  # pixels a latent of Stable Diffusion is wide


def cut(frame: Array, matrix: Array, resolution: int) -> tuple[Array, Array]:
    """The 3:4 crop ``(h, w, 3)`` and the square face ``(r, r, 3)``, both uint8."""
    picture = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    back = np.linalg.inv(np.vstack([matrix, (0, 0, 1)]))[:2]
    sampled = _sample(picture, back, crop_size(resolution), GREY)
    crop = sampled[0].permute(1, 2, 0).to(torch.uint8).numpy()
    face = cv2.resize(crop, (resolution, resolution), interpolation=cv2.INTER_LANCZOS4)
    return crop, np.asarray(face)


@lru_cache(maxsize=8)
def fixed_mask(name: str, resolution: int) -> Array:
    """A fixed mask ``(r, r)`` uint8: 255 keeps a pixel of the face, 0 lets it be drawn anew.

    ``mask`` is the one that the released weights were trained with; beside it there are ``mask2``
    to ``mask4``, and ``half`` for trainings of one's own, which hides the chin as well. At other
    sizes than 256 the edges are grey.
    """
    table = json.loads(files("lipkit").joinpath("assets/latentsync_masks.json").read_bytes())
    mask = np.full((MASK_SIZE, MASK_SIZE), 255, np.uint8)
    for first, last, runs in table["masks"][name]:
        for left, right in runs:
            mask[first : last + 1, left : right + 1] = 0
    if resolution != MASK_SIZE:
        size = (resolution, resolution)
        mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_LANCZOS4))
    return mask


def latent_mask(mask: Array, cell: int = CELL) -> Tensor:
    """The mask of the latents ``(r/cell, r/cell)``: the top left pixel of each, in 0..1."""
    return torch.from_numpy(mask[::cell, ::cell] / 255.0).float()


def prepare(frames: Array, mask: Array) -> tuple[Tensor, Tensor]:
    """Faces ``(f, 3, r, r)`` in -1..1 and the same with grey holes, from uint8 ``(f, h, w, 3)``."""
    resolution = len(mask)
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).movedim(-1, 1).float()
    if pixels.shape[-2:] != (resolution, resolution):
        size = (resolution, resolution)
        pixels = functional.interpolate(pixels, size, mode="bicubic", antialias=True)
        pixels = pixels.round().clamp(0, 255)
    pixels = (pixels / 255 - 0.5) / 0.5
    return pixels, pixels * torch.from_numpy(mask / 255.0).float()


def paste(frame: Array, face: Tensor, matrix: Array, resolution: int) -> Array:
    """``frame (h, w, 3)`` with ``face (3, r, r)`` in about -1..1 blended over the whole crop."""
    height, width = frame.shape[:2]
    w, h = crop_size(resolution)
    crop = functional.interpolate(face[None].float(), (h, w), mode="bicubic", antialias=True)
    picture = _sample(crop, matrix, (width, height), GREY)
    picture = (picture / 2 + 0.5).clamp(0, 1) * 255
    inside = _sample(torch.ones(1, 1, h, w), matrix, (width, height), 0)
    edge = _eroded(inside, 2)
    soft = _softened(edge)
    below = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
    mixed = soft * (edge * picture) + (1 - soft) * below
    return np.asarray(mixed[0].permute(1, 2, 0).to(torch.uint8).numpy())


def _sample(image: Tensor, matrix: Array, size: tuple[int, int], fill: int) -> Tensor:
    """``image (1, c, h, w)`` at ``matrix (x, y, 1)`` for every pixel of ``size (w, h)``."""
    height, width = image.shape[-2:]
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    places = np.stack([x, y, np.ones_like(x)], -1) @ np.asarray(matrix, np.float64).T
    scale = np.array([max(width - 1, 1), max(height - 1, 1)])
    grid = torch.from_numpy((places / scale * 2 - 1).astype(np.float32))[None]
    covered = functional.grid_sample(torch.ones_like(image[:, :1]), grid, align_corners=True)
    return functional.grid_sample(image, grid, align_corners=True) + fill * (1 - covered)


def _eroded(mask: Tensor, size: int) -> Tensor:
    """Minimum over ``size x size`` neighbours from ``-size // 2`` on; outside is left out."""
    before = size // 2
    pad = (before, size - 1 - before) * 2
    return -functional.max_pool2d(functional.pad(-mask, pad, value=-torch.inf), size, stride=1)


def _softened(mask: Tensor) -> Tensor:
    """The mask shrunk and blurred by a twentieth of its own size."""
    edge = int(float(mask.sum()) ** 0.5) // 20
    shrunk = _eroded(mask, 2 * edge or 3)
    sigma = 0.3 * (edge - 1) + 0.8
    x = torch.arange(-edge, edge + 1, dtype=torch.float32)
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(shrunk, (edge,) * 4, mode="reflect")
    return functional.conv2d(
        functional.conv2d(padded, kernel[None, None, None]), kernel[None, None, :, None]
    )
