"""A small untrained voice model, and sounds to move it by."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from lipkit.models.vasa.config import FrontendConfig, GeneratorConfig, ModelConfig
from lipkit.models.vasa.model import VoiceModel

RATE = 16000


@pytest.fixture
def tiny() -> VoiceModel:
    """A model with random weights: 10 frames a window, 4 of context."""
    torch.manual_seed(0)
    model = VoiceModel(
        ModelConfig(
            frontend=FrontendConfig(width=16, dilations=(1, 2)),
            generator=GeneratorConfig(width=16, layers=1, heads=2, window=10, context=4),
        )
    )
    return model.eval()


@pytest.fixture
def babble() -> Callable[..., np.ndarray]:
    """Noise in syllables, at 16 kHz: ``babble(seconds)``."""

    def make(seconds: float, seed: int = 0) -> np.ndarray:
        count = round(seconds * RATE)
        t = np.arange(count) / RATE
        noise = np.random.default_rng(seed).standard_normal(count)
        return (0.1 * noise * (np.sin(2 * np.pi * 4 * t) > 0)).astype(np.float32)

    return make
