"""What EMO's backbone predicts for one clip, with guidance and without."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lipkit.models.emo.backbone import Backbone, Guide, joined
from lipkit.models.emo.model import Emo
from lipkit.models.parts.audio_attention import Voice, without
from lipkit.models.parts.reference import Bank, Reading, spread


class Denoiser:
    """A `Predictor` for the guides of one clip: one pass, or without and with all that guides.

    Two passes run as one batch while memory lasts.
    """

    def __init__(self, backbone: Backbone, guides: list[Guide], guidance: float = 1.0) -> None:
        self.backbone, self.guidance = backbone, guidance
        self.batches = [joined(guides)] if len(guides) > 1 else guides
        self.guides = guides

    def __call__(self, latents: Tensor, time: int, step: int) -> Tensor:
        """The prediction ``(1, c, f, h, w)`` for ``latents`` at ``time``."""
        try:
            predicted = self._predict(latents, time)
        except torch.OutOfMemoryError:
            if len(self.batches) == len(self.guides):
                raise
            self.batches = self.guides
            torch.cuda.empty_cache()
            predicted = self._predict(latents, time)
        if len(self.guides) == 1:
            return predicted
        plain, guided = predicted.chunk(2)
        return plain + self.guidance * (guided - plain)

    def _predict(self, latents: Tensor, time: int) -> Tensor:
        sample = latents.to(self.backbone.dtype)
        made = [
            self.backbone(sample.repeat(len(guide.samples), 1, 1, 1, 1), time, guide)
            for guide in self.batches
        ]
        return torch.cat(made).to(latents.dtype)


@dataclass(frozen=True, eq=False)
class Scenery:
    """What one clip is made from; a batch of one."""

    pictures: Tensor  # (1, 1 + n, 4, h, w) latents of the reference and of the frames before
    voice: Voice
    region: Tensor  # (1, 3, H, W) where the face may be, in 0..1
    embedding: Tensor | None = None  # (1, d) the face's identity
    velocity: Tensor | None = None  # (1, f) degrees a frame
    first: bool = False  # no frames before: those in ``pictures`` only stand there


def guides(model: Emo, scene: Scenery, guided: bool) -> list[Guide]:
    """What the passes over one clip see: without all but the past, and with all.

    The bare pass has no face region at all, which is another thing than an empty one.
    """
    frames = len(scene.voice.tokens)
    embeddings = scene.embedding
    if embeddings is not None and guided:
        embeddings = torch.cat([torch.zeros_like(embeddings), embeddings])
    context = None
    if model.identity is not None and embeddings is not None:
        context = model.identity(embeddings)
    samples = 1 if context is None else len(context)
    bank = model.remember(scene.pictures.expand(samples, -1, -1, -1, -1), context)
    full = Guide(
        reading=reading(model, bank, samples, frames)[-1],
        samples=torch.tensor([samples - 1]),
        voice=scene.voice,
        context=context[-1:] if context is not None else None,
        face=model.whereabouts(scene.region, frames),
        speed=model.speed(scene.velocity) if model.speed is not None else None,
        silent_past=scene.first and model.config.reference.first_clip == "zero_features",
    )
    if not guided:
        return [full]
    bare = replace(
        full,
        reading=replace(reading(model, bank, samples, frames)[0], blind=frames),
        samples=torch.tensor([0]),
        voice=without(scene.voice),
        context=context[:1] if context is not None else None,
        face=torch.zeros_like(full.face),
    )
    return [bare, full]


def reading(model: Emo, bank: Bank, samples: int, frames: int) -> list[Reading]:
    """For each of so many samples, whose bank its frames read."""
    owners = spread(samples, frames, model.config.reference.spread).chunk(samples)
    return [Reading(bank, owner) for owner in owners]
