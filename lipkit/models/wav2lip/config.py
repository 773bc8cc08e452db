"""Settings of Wav2Lip: what the weights fix, and how to use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    width: int = 16  # of the first layer; all others' are multiples of it

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"model.width = {self.width}: 1 at least")


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    paste: Literal["soft", "official"] = "soft"  # official: the whole box, with hard edges


@dataclass(frozen=True)
class Wav2LipConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
