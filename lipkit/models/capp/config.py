"""Settings of CAPP: what the weights fix, how to score, how to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.training.config import Precision, StageConfig

STEPS = 2  # of audio in a frame: 50 Hz
WIDTHS = {"mel": 128, "wav2vec2-base-960h": 768}  # of an audio step


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    audio: Literal["mel", "wav2vec2-base-960h"] = "wav2vec2-base-960h"  # the latter is VASA-1's
    frames: int = 75  # of a window: three seconds at 25 a second
    width: int = 256
    pose_layers: int = 6
    audio_layers: int = 2  # on top of the features
    heads: int = 4
    embedding: int = 256
    dropout: float = 0.1


@dataclass(frozen=True)
class SamplingConfig:
    """How clips are scored; free to change."""

    hop: int = 25  # frames between the windows of a clip


@dataclass(frozen=True)
class TrainConfig:
    """The one stage."""

    pairs: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=50_000, batch=256, frames=75, learning_rate=3e-4, warmup=1000, save_every=1000
        )
    )
    precision: Precision = "no"


@dataclass(frozen=True)
class CappConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
