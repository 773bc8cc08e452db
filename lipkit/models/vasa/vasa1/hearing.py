"""What the generator hears of a sound, a row for each frame of motion."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipkit.artifacts.features import require_encoder
from lipkit.audio.windows import centres
from lipkit.models.vasa.vasa1.config import ModelConfig
from lipkit.protocols import Features
from lipkit.sync.hearing import encoder_of

Floats = NDArray[np.float32]

RATE = 16000
LOUD = 0.9  # quantile of a sound's levels that its loudness is


def frames_of(samples: int, fps: int) -> int:
    """Frames of motion that a sound of so many samples makes, at least one."""
    return max(1, round(samples * fps / RATE))


def hear(wave: Floats, config: ModelConfig) -> Floats:
    """Rows ``(f, a)`` of a sound ``(n,)`` at 16 kHz."""
    features = encoder_of(config.hearing.encoder).encode(wave)
    return rows_of(features, config, frames_of(len(wave), config.fps))


def recall(features: Features, config: ModelConfig, name: str) -> Floats:
    """The same of features that lie in the file ``name``."""
    encoder = encoder_of(config.hearing.encoder)
    require_encoder(features, encoder.name, features.data.shape[1], encoder.width, name)
    count = max(1, round(len(features.data) * config.fps / features.rate))
    return rows_of(features, config, count)


def rows_of(features: Features, config: ModelConfig, count: int) -> Floats:
    """The last layer of features at the motion's frame rate, ``count`` rows."""
    each = max(1, round(features.rate / config.fps))
    first = centres(count, features.rate, Fraction(config.fps))
    data = features.data[:, -1]
    if not len(data):  # shorter than a step
        data = np.zeros((1, data.shape[1]), np.float32)
    steps = data[np.clip(first[:, None] + np.arange(each), 0, len(data) - 1)]
    if not config.hearing.spectra:
        return np.asarray(steps.mean(1), np.float32)
    loud = np.quantile(data.mean(1), LOUD)
    return np.asarray((steps - loud).reshape(count, -1), np.float32)
