"""Settings of a training stage, the same for every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["no", "bf16", "fp16"]


@dataclass(frozen=True)
class StageConfig:
    """One stage: how long, on how much at once, how fast."""

    steps: int = 1000  # updates of the weights
    batch: int = 24  # excerpts on each device at once
    frames: int = 100  # motion frames of an excerpt
    accumulate: int = 1  # batches to an update
    learning_rate: float = 1e-3
    warmup: int = 50  # updates
    weight_decay: float = 0.02
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the averaged weights, which are what is saved
    log_every: int = 50
    save_every: int = 500

    def rate(self, step: int) -> float:
        """Share of the learning rate at an update: a linear rise, then a nearly linear fall."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        fall = max(0.02, 1 - step / max(1, self.steps)) ** 0.9
        return float(rise * fall)
