"""Sizes of latent diffusion's networks; apart from those, so that settings import nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["clip", "frame"]  # what a group norm takes its statistics over


@dataclass(frozen=True)
class MotionConfig:
    """Where the UNet lets frames look at each other, and how."""

    levels: tuple[int, ...] = ()  # blocks with motion modules, the outermost being 0
    encoder: bool = True  # False: only the way up has them
    middle: bool = False
    heads: int = 8
    blocks: int = 1  # of two attentions over time each
    divisor: int = 1  # of the width inside the module
    table: int = 24  # positions, so the most frames of a clip
    groups: int = 32
    scope: Scope = "frame"


@dataclass(frozen=True)
class TemporalConfig(MotionConfig):
    """AnimateDiff's motion modules, at every level."""

    levels: tuple[int, ...] = (0, 1, 2, 3)
    middle: bool = True
    table: int = 32


@dataclass(frozen=True)
class VideoUNetConfig:
    """Stable Diffusion 1.5's UNet for clips; the defaults are LatentSync's without motion."""

    in_channels: int = 13
    out_channels: int = 4
    widths: tuple[int, ...] = (320, 640, 1280, 1280)
    layers: int = 2
    attention: tuple[int, ...] = (0, 1, 2)  # levels with attention, the outermost being 0
    heads: int = 8
    context: int | None = 384  # width of what is heard; None: a UNet that hears nothing
    groups: int = 32
    epsilon: float = 1e-5
    scope: Scope = "clip"  # of the residual blocks' and the last norm
    motion: MotionConfig = field(default_factory=MotionConfig)

    def __post_init__(self) -> None:
        levels = range(len(self.widths))
        for name, given in (("attention", self.attention), ("motion", self.motion.levels)):
            if outside := [level for level in given if level not in levels]:
                raise ValueError(f"unet: {name} at level {outside[0]}, but it has {len(levels)}")


@dataclass(frozen=True)
class VaeConfig:
    """Stable Diffusion's autoencoder of pictures."""

    weights: str = "sd-vae-ft-mse"  # of the store; "": the model's file has its own
    widths: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2  # 0: a linear autoencoder of patches, for toys; see parts.patches
    latents: int = 4
    groups: int = 32
    scale: float = 0.18215  # of latents in the UNet


@dataclass(frozen=True)
class DiffusionConfig:
    """What a UNet predicts, and the noise that it was trained for."""

    prediction: Literal["epsilon", "v_prediction"] = "epsilon"
    zero_snr: bool = False  # the last step holds nothing but noise
    train_betas: Literal["linear", "scaled_linear"] = "scaled_linear"
    betas: Literal["linear", "scaled_linear"] = "scaled_linear"  # when sampling
    spacing: Literal["leading", "trailing"] = "leading"
