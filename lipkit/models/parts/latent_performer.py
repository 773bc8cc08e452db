"""What performers that draw in an autoencoder's latents do alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.parts.canvas import Canvas, frames_of

Array = NDArray[Any]


class LatentPerformer:
    """A ``Sketcher``: its families give ``fps``, ``animator`` with its decoder, and ``latents``."""

    fps: Fraction
    animator: Any

    def latents(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Tensor]:
        """Latents ``(f, 4, r/8, r/8)`` by pieces, ``total`` frames in all."""
        raise NotImplementedError

    def count(self, samples: int) -> int:
        """Frames that a sound of so many samples at 16 kHz takes."""
        return max(1, math.ceil(samples * self.fps / 16000))

    def perform(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Array]:
        """Chunks of crops ``(f, r, r, 3)`` uint8, ``total`` frames in all."""
        for latents in self.latents(canvas, heard, total):
            yield frames_of(self.animator.decode(latents))

    def draw(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Array]:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)``."""
        for latents in self.latents(canvas, heard, total):
            yield latents.float().cpu().numpy()
