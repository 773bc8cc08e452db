"""Crops of a clip at a larger size, by a model's super-resolution."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from lipkit.artifacts.clip import Clip
from lipkit.errors import BadInput, BadUsage

if TYPE_CHECKING:
    from lipkit.faces.geometry import Geometry
    from lipkit.models import Loaded
    from lipkit.protocols import Enlarger, Pixels


@dataclass(frozen=True)
class LargeClip(Clip):
    """A clip whose frames are enlarged to ``side`` pixels when they are read."""

    enlarger: Enlarger
    side: int

    def frames(self, *, chunk: int = 32, pixel: Any = "rgb24") -> Iterator[Pixels]:
        """Chunks ``(f, side, side, c)`` of the crops."""
        import numpy as np
        import torch

        for frames in super().frames(chunk=chunk, pixel=pixel):
            full = np.iinfo(frames.dtype).max
            crops = torch.from_numpy(frames[..., :3].astype(np.float32)).movedim(-1, 1)
            made = self.enlarger.enlarge(crops * (2 / full) - 1, self.side).movedim(1, -1)
            yield np.rint((made.cpu().numpy() + 1) * (full / 2)).astype(frames.dtype)


def enlarged(
    clip: Clip, geometry: Geometry, side: int, model: str, device: str
) -> tuple[Clip, Geometry, Loaded]:
    """The clip at ``side`` pixels, its geometry, and the model that will draw what it lacks.

    BadUsage where the model does not make that size.
    """
    from lipkit import models, registry
    from lipkit.faces.warping import compose, scaling

    loaded = models.load(model, verb="animate", device=device)
    if loaded.family.enlarger is None:
        raise BadUsage(f"{model} enlarges nothing", hint="--upscaler names a model of vlogger")
    enlarger: Enlarger = registry.load(loaded.family.enlarger)(
        loaded.module, loaded.config.sampling
    )
    if side not in enlarger.sides:
        known = ", ".join(map(str, enlarger.sides))
        raise BadUsage(f"--upscale {side}", hint=f"{model} enlarges to {known}")
    width, height = geometry.size
    if width != height or width >= side:
        raise BadInput(
            f"{clip.path}: crops of {width}x{height}",
            hint=f"--upscale {side} takes square ones that are smaller",
        )
    matrix = compose(scaling(side / width), geometry.matrix)
    given = {field.name: getattr(clip, field.name) for field in fields(Clip)}
    large = LargeClip(**given, enlarger=enlarger, side=side)
    return large, replace(geometry, matrix=matrix, size=(side, side)), loaded
