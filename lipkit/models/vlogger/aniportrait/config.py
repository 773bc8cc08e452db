"""Settings of VLOGGER and of AniPortrait, which is built like it: what the weights fix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import (
    DiffusionConfig,
    TemporalConfig,
    VaeConfig,
    VideoUNetConfig,
)

# Pixels that one of the deepest features of drawn poses covers, and one latent.
CELL, LATENT = 64, 8


@dataclass(frozen=True)
class HearingConfig:
    """wav2vec 2.0; the defaults are its base size."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    convolutions: tuple[int, ...] = (512, 512, 512, 512, 512, 512, 512)
    positions: int = 128  # steps that the position convolution sees
    position_groups: int = 16
    states: Literal["last", "mean"] = "last"  # of the transformer: its last state, or all


@dataclass(frozen=True)
class ShaperConfig:
    """audio2mesh: speech to the offsets of a mesh."""

    width: int = 512
    vertices: int = 468


@dataclass(frozen=True)
class PoserConfig:
    """audio2pose: speech to head poses."""

    width: int = 512
    heads: int = 8
    layers: int = 8
    inner: int = 1024
    angles: int = 6  # three of them, and a shift
    identities: int = 100  # ways of moving
    table: int = 600  # positions, so the most frames of a piece


@dataclass(frozen=True)
class GuiderConfig:
    """The network that encodes drawn poses."""

    width: int = 320
    heads: int = 16  # of its attention
    head_width: int = 88
    groups: int = 32
    attention: bool = True
    # What batch norms take their statistics over: the weights were used with the window's own, as
    # nobody had told the network that training was over.
    norm: Literal["batch", "running"] = "running"
    # Pictures in -1..1, or as the weights were used: in -1..509, as nobody divided them by 255.
    pixels: Literal["unit", "raw"] = "unit"


@dataclass(frozen=True)
class BackboneConfig(VideoUNetConfig):
    """Stable Diffusion 1.5's UNet; its context is CLIP's view of the portrait."""

    in_channels: int = 4
    context: int = 768
    scope: Literal["clip", "frame"] = "frame"
    motion: TemporalConfig = field(default_factory=TemporalConfig)


@dataclass(frozen=True)
class SightConfig:
    """CLIP's picture encoder, whose view of the portrait cross-attention reads."""

    weights: str = "clip-image-variations"  # of the store; "": the model's file has its own
    resolution: int = 224
    patch: int = 14
    width: int = 1024
    layers: int = 24
    heads: int = 16
    inner: int = 4096
    view: int = 768  # width of what it says


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are AniPortrait's, without slips."""

    resolution: int = 512
    fps: int = 30
    shaper_hearing: HearingConfig = field(default_factory=HearingConfig)
    shaper: ShaperConfig = field(default_factory=ShaperConfig)
    poser_hearing: HearingConfig = field(default_factory=HearingConfig)
    poser: PoserConfig = field(default_factory=PoserConfig)
    guider: GuiderConfig = field(default_factory=GuiderConfig)
    unet: BackboneConfig = field(default_factory=BackboneConfig)
    bank_precision: Literal["run", "fp16"] = "run"  # what the reference's tokens are rounded to
    diffusion: DiffusionConfig = field(
        default_factory=lambda: DiffusionConfig(
            "v_prediction", zero_snr=True, betas="linear", spacing="trailing"
        )
    )
    vae: VaeConfig = field(default_factory=VaeConfig)
    sight: SightConfig = field(default_factory=SightConfig)

    def __post_init__(self) -> None:
        if self.resolution % CELL:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {CELL}")
        width = self.guider.width
        led = (width, 2 * width, 4 * width, 4 * width)
        if self.unet.widths != led:
            raise ValueError(f"model.guider.width = {width} leads UNets of widths {led} alone")
        if self.sight.view != self.unet.context:
            raise ValueError("model.sight.view is what the UNet reads: its context")


@dataclass(frozen=True)
class SamplingConfig:
    """How clips are drawn; free to change."""

    steps: int = 25
    guidance: float = 3.5  # 1: as trained, without the second pass that guidance takes
    window: int = 16  # frames that see each other
    overlap: int = 4  # of neighbouring windows, frames
    # Where the last window lies: against the end, or, as AniPortrait has it, around it: half of it
    # are the first frames then.
    last: Literal["inside", "around"] = "inside"
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: fp16 on CUDA
    turn: float = 0.5  # of the head's turns as predicted
    smooth: int = 7  # frames that the head's pose is averaged over

    def __post_init__(self) -> None:
        if self.steps < 1 or self.guidance < 0:
            raise ValueError("sampling: steps from 1, guidance from 0")
        if not 0 <= self.overlap < self.window:
            raise ValueError("sampling: overlap from 0, and less than window")


@dataclass(frozen=True)
class AniPortraitConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
