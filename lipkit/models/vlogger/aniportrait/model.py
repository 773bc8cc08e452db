"""AniPortrait as one module: hearing, drawing, and what guides it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from lipkit.models.parts import vae
from lipkit.models.parts.reference import Bank, ReferenceNet
from lipkit.models.vlogger.aniportrait import sight
from lipkit.models.vlogger.aniportrait.backbone import Backbone
from lipkit.models.vlogger.aniportrait.config import ModelConfig
from lipkit.models.vlogger.aniportrait.guider import PoseGuider
from lipkit.models.vlogger.aniportrait.hearing import Poser, Shaper


class AniPortrait(nn.Module):
    """Everything that is trained, and borrowed networks where the weights bring their own."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.shaper = Shaper(config.shaper, config.shaper_hearing)
        self.poser = Poser(config.poser, config.poser_hearing)
        self.guider = PoseGuider(config.guider)
        self.reference = ReferenceNet(config.unet, "norm1")
        self.backbone = Backbone(config.unet)
        self.vae = None if config.vae.weights else vae.build(config.vae)
        self.sight = None
        if not config.sight.weights:
            with torch.device("cpu"):  # even in a hollow model: it counts in buffers of no file
                self.sight = sight.build(config.sight)

    def remember(self, latents: Tensor, context: Tensor) -> Bank:
        """The bank of portraits ``(b, 4, h, w)``, of which CLIP sees ``context (b, t, d)``."""
        dtype = self.reference.dtype
        written = self.reference(latents.to(dtype), context.to(dtype))
        if self.config.bank_precision == "fp16":
            written = {layer: tokens.half() for layer, tokens in written.items()}
        return {layer: tokens[:, None] for layer, tokens in written.items()}


def build(config: ModelConfig) -> AniPortrait:
    """A model with fresh weights."""
    return AniPortrait(config)


def beholder(model: AniPortrait) -> CLIPVisionModelWithProjection:
    """The model's own picture encoder, else the stored one that it was trained with."""
    return model.sight if model.sight is not None else sight.stored(model.config.sight)
