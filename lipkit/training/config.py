"""Settings of a training stage, the same for every family."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Precision = Literal["no", "bf16", "fp16"]
Schedule = Literal["decay", "constant", "linear", "cosine"]


@dataclass(frozen=True)
class StageConfig:
    """One stage: how long, on how much at once, how fast."""

    steps: int = 1000  # updates of the weights
    batch: int = 24  # excerpts on each device at once
    frames: int = 100  # motion frames of an excerpt
    accumulate: int = 1  # batches to an update
    learning_rate: float = 1e-3
    schedule: Schedule = "decay"  # of the learning rate after the warm-up
    floor: float = 0.0  # share of the learning rate that linear and cosine end at
    warmup: int = 50  # updates
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.02
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.999  # decay of the averaged weights, which are what is saved
    checkpointing: bool = False  # compute activations twice to keep fewer
    workers: int = 0  # processes that make batches ahead; results do not depend on it
    log_every: int = 50
    save_every: int = 500
    keep: int = 2  # saved states, the newest included

    def rate(self, step: int) -> float:
        """Share of the learning rate at an update: a linear rise, then what the schedule says.

        ``decay`` falls nearly linearly to three hundredths.
        """
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        left = 1 - step / max(1, self.steps)
        if self.schedule == "constant":
            return rise
        if self.schedule == "decay":
            return float(rise * max(0.02, left) ** 0.9)
        left = max(0.0, left)
        fall = left if self.schedule == "linear" else (1 - math.cos(math.pi * left)) / 2
        return float(rise * (self.floor + (1 - self.floor) * fall))
