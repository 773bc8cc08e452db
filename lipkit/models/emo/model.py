"""EMO as one module: reference network, backbone, and the small encoders of what guides it."""

from __future__ import annotations

from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.embeddings import ImageProjection
from torch import Tensor, nn

from lipkit.models.emo.backbone import Backbone
from lipkit.models.emo.config import ModelConfig
from lipkit.models.emo.speed import SpeedEncoder
from lipkit.models.parts import vae
from lipkit.models.parts.audio_attention import AudioProjection
from lipkit.models.parts.reference import Bank, ReferenceNet


class Emo(nn.Module):
    """Everything that is trained, and the autoencoder where the weights bring their own."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        hearing, unet = config.hearing, config.unet
        self.reference = ReferenceNet(unet, config.reference.tap)
        self.backbone = Backbone(config)
        after = config.locator.add == "after_conv_in"
        self.locator = ControlNetConditioningEmbedding(
            unet.widths[0] if after else unet.in_channels, 3, config.locator.widths
        )
        self.hearing = AudioProjection(
            (2 * hearing.margin + 1) * hearing.layers * hearing.width,
            hearing.hidden,
            hearing.tokens,
            hearing.token_width,
        )
        identity = config.identity
        self.identity = (
            ImageProjection(identity.width, unet.context, identity.tokens)
            if unet.context is not None
            else None
        )
        self.speed = SpeedEncoder(config.speed) if config.speed.buckets else None
        self.vae = None if config.vae.weights else vae.build(config.vae)

    def remember(self, latents: Tensor, context: Tensor | None = None) -> Bank:
        """The bank of pictures ``(b, 1 + n, 4, h, w)``: each sample's reference and frames before.

        ``context (b, t, d)`` are identity tokens.
        """
        form, (samples, pictures) = self.config.reference, latents.shape[:2]
        if context is not None:
            repeated = form.tokens == "repeated"
            tile = context.repeat(pictures, 1, 1)
            context = tile if repeated else context.repeat_interleave(pictures, 0)
        written = self.reference(latents.flatten(0, 1).to(self.reference.dtype), context)
        if form.precision == "fp16":
            written = {layer: tokens.half() for layer, tokens in written.items()}
        return {layer: t.unflatten(0, (samples, pictures)) for layer, t in written.items()}

    def whereabouts(self, region: Tensor, frames: int) -> Tensor:
        """What the locator says ``(b, c, f, h, w)`` of a face region ``(b, 3, h, w)`` in 0..1."""
        found = self.locator(region.to(self.backbone.dtype))
        return found[:, :, None].expand(-1, -1, frames, -1, -1)


def build(config: ModelConfig) -> Emo:
    """A model with fresh weights."""
    return Emo(config)
