"""Settings of JoyVASA's generator; the defaults are those of the released file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.training.config import Precision, StageConfig

EXPRESSION = 63  # the first channels of a motion; then scale, shift, pitch, yaw, roll
CHANNELS = 70


@dataclass(frozen=True)
class DenoiserConfig:
    """The transformer that cleans motion."""

    channels: int = 73  # 70 of the motion, and three of an emotion that nothing reads
    width: int = 256
    heads: int = 8
    layers: int = 8
    growth: int = 4  # of the width inside a layer
    window: int = 100  # frames made at once
    context: int = 10  # frames of the window before
    reach: int = 1  # a frame hears audio nearer than so many frames; 0: all
    indicator: bool = False  # a channel that tells frames from padding
    # legacy: every token gets the row after the last, as the released weights were trained.
    positions: Literal["legacy", "fixed"] = "legacy"


@dataclass(frozen=True)
class HearingConfig:
    """HuBERT's shape; it was trained along, so its weights belong to the model."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    inner: int = 3072
    convolutions: tuple[int, ...] = (512,) * 7
    positions: int = 128
    groups: int = 16


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    fps: int = 25
    diffusion_steps: int = 50
    schedule: Literal["cosine", "linear", "quadratic", "sigmoid"] = "cosine"
    target: Literal["sample", "noise"] = "sample"
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    hearing: HearingConfig = field(default_factory=HearingConfig)


@dataclass(frozen=True)
class SamplingConfig:
    """How motion is drawn; free to change."""

    guidance: float = 2.8  # s in u + s (c - u); VASA-1's lambda is s - 1
    flexibility: float = 0.0  # 0: the posterior's noise, 1: as much as was added
    # Share of the values, and least and greatest bound, for cutting extremes off; none: leave them.
    threshold: tuple[float, ...] = ()
    tail: Literal["zero", "replicate"] = "zero"  # what follows the sound in the last window
    head_steadiness: float = 0.99  # share of the frame before in pose, shift and scale; 0: as drawn
    trim: bool = True  # cut off the frames that the padding of the sound adds

    def __post_init__(self) -> None:
        if len(self.threshold) not in (0, 3):
            raise ValueError("sampling.threshold: a share, and the least and the greatest bound")
        if not 0 <= self.head_steadiness < 1:
            raise ValueError("sampling.head_steadiness: from 0 to below 1")


@dataclass(frozen=True)
class TrainConfig:
    """The only stage."""

    generator: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=50_000,
            batch=16,
            learning_rate=1e-4,
            schedule="constant",
            warmup=0,
            weight_decay=0.0,
            clip=2.0,
            save_every=5000,
        )
    )
    precision: Precision = "no"


@dataclass(frozen=True)
class JoyVasaConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
