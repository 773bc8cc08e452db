"""Sheets of sample pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lipkit.models.parts.canvas import frames_of

GAP = 2  # pixels between pictures
MOST = 4096  # pixels of a sheet's side


def grid(pictures: Tensor) -> NDArray[np.uint8]:
    """A sheet ``(h, w, 3)`` of ``(n, 3, h, w)`` or ``(rows, columns, 3, h, w)`` in -1..1."""
    if pictures.ndim == 4:
        columns = math.ceil(math.sqrt(len(pictures)))
        blank = pictures.new_full((-len(pictures) % columns, *pictures.shape[1:]), 1.0)
        pictures = torch.cat([pictures, blank])
        pictures = pictures.reshape(-1, columns, *pictures.shape[1:])
    rows, columns, _, h, w = pictures.shape
    rows, columns = min(rows, MOST // (h + GAP) or 1), min(columns, MOST // (w + GAP) or 1)
    sheet: NDArray[Any] = np.full((rows * (h + GAP), columns * (w + GAP), 3), 255, np.uint8)
    for i, row in enumerate(pictures[:rows, :columns]):
        for j, picture in enumerate(frames_of(row)):
            y, x = i * (h + GAP), j * (w + GAP)
            sheet[y : y + h, x : x + w] = picture
    return sheet[:-GAP, :-GAP]


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture ``(h, w, 3)``, whole or not at all."""
    partial = path.with_suffix(".partial")
    Image.fromarray(picture).save(partial, "png")
    partial.rename(path)
