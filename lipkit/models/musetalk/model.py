"""MuseTalk as one module: the UNet, and the autoencoder where the weights bring their own."""

from __future__ import annotations

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from lipkit.models.musetalk.config import ModelConfig, SamplingConfig
from lipkit.models.musetalk.network import FaceUNet
from lipkit.models.parts import vae
from lipkit.models.parts.placing import place


class MuseTalk(nn.Module):
    """The filler of faces and what surrounds it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = FaceUNet(config.unet)
        self.vae = None if config.vae.weights else vae.build(config.vae)


def build(config: ModelConfig) -> MuseTalk:
    """A model with fresh weights."""
    return MuseTalk(config)


def ready(model: MuseTalk, sampling: SamplingConfig) -> tuple[FaceUNet, AutoencoderKL]:
    """UNet and autoencoder in the number type that sampling wants, on the model's device."""
    autoencoder = vae.of(model)
    place((model.unet, autoencoder), next(model.parameters()).device, sampling.precision)
    return model.unet, autoencoder
