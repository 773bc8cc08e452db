"""LatentSync as one module: the UNet, and the autoencoder where the weights bring their own."""

from __future__ import annotations

from torch import nn

from lipkit.models.latentsync.config import ModelConfig
from lipkit.models.latentsync.listening import ListeningUNet
from lipkit.models.parts import vae
from lipkit.models.parts.video_unet import VideoUNet


class LatentSync(nn.Module):
    """The denoiser of clips and what surrounds it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        heard = config.listener
        self.unet = ListeningUNet(config.unet, heard) if heard else VideoUNet(config.unet)
        self.vae = None if config.vae.weights else vae.build(config.vae)


def build(config: ModelConfig) -> LatentSync:
    """A model with fresh weights."""
    return LatentSync(config)
