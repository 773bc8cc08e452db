"""Settings of Wav2Lip: what the weights fix, and how to use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.training.config import Precision, StageConfig


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    width: int = 16  # of the first layer; all others' are multiples of it
    judges: bool = True  # whether expert and judge of quality lie beside the generator

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"model.width = {self.width}: 1 at least")


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    rest: bool = True  # whether lips rest in silence of over half a second
    paste: Literal["soft", "official"] = "soft"  # official: the whole box, with hard edges


@dataclass(frozen=True)
class TrainConfig:
    """The expert first, for it must know good lips before the generator learns from it.

    Weights of terms are the published ones; what they leave of 1 is the pixels' share.
    """

    expert: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=64, frames=5, learning_rate=1e-4, schedule="constant",
            weight_decay=0.0, save_every=2000,
        )
    )  # fmt: skip
    generator: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=200_000, batch=16, frames=5, learning_rate=1e-4, schedule="constant",
            beta1=0.5, weight_decay=0.0, save_every=2000,
        )
    )  # fmt: skip
    judge: StageConfig = field(
        default_factory=lambda: StageConfig(
            learning_rate=1e-4, schedule="constant", beta1=0.5, weight_decay=0.0
        )
    )
    sync: float = 0.03
    perceptual: float = 0.07  # 0: without the judge, as the calmer of the released weights
    sync_from: int = 10_000  # updates before which lips need not fit: first faces, then speech
    precision: Precision = "no"

    def __post_init__(self) -> None:
        if min(self.sync, self.perceptual) < 0 or self.sync + self.perceptual >= 1:
            raise ValueError("train: sync and perceptual are shares from 0, together below 1")


@dataclass(frozen=True)
class Wav2LipConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
