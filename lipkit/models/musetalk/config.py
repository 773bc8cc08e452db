"""Settings of MuseTalk: what the weights fix, and how to use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import VaeConfig

CELL = 8  # pixels that one latent covers


@dataclass(frozen=True)
class UNetConfig:
    """Stable Diffusion 1.5's UNet with room for two faces' latents."""

    in_channels: int = 8
    out_channels: int = 4
    widths: tuple[int, ...] = (320, 640, 1280, 1280)
    layers: int = 2
    attention: tuple[int, ...] = (0, 1, 2)  # levels with attention, the outermost being 0
    heads: int = 8
    context: int = 384  # width of what is heard
    groups: int = 32


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are 1.5's."""

    resolution: int = 256
    fps: int = 25
    encoder: str = "whisper-tiny"
    context: tuple[int, ...] = (2, 2)  # frames before and after that a frame hears
    final_norm: bool = True  # whether the encoder's last layer is heard through its final norm
    beyond: Literal["zeros", "repeat"] = "zeros"  # what lies beyond the ends of the sound
    margin: int = 10  # pixels of the crop below the chin
    unet: UNetConfig = field(default_factory=UNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)

    def __post_init__(self) -> None:
        if self.resolution % CELL:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {CELL}")


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    batch: int = 16  # faces drawn at once
    shift: int = 0  # pixels of the crop: above 0 its middle lies lower and lips open more
    positions: bool = True  # whether what is heard tells its places, as in official inference
    posterior: Literal["mean", "draw"] = "mean"  # of the autoencoder; official inference draws
    rest: bool = True  # whether lips rest in silence of over half a second
    paste: Literal["soft", "official"] = "soft"  # official: blurred box, its upper half left out
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: fp16 on CUDA

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"sampling.batch = {self.batch}: one face at least")


@dataclass(frozen=True)
class MuseTalkConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
