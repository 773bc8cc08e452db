"""Models of the family that are small enough to test with."""

from __future__ import annotations

import pytest
import torch

from lipkit import config
from lipkit.models.emo.config import EmoConfig, ModelConfig
from lipkit.models.emo.model import Emo, build


def resolved(**settings: object) -> EmoConfig:
    """The tiny preset with other settings on top, given by their dotted keys."""
    preset = config.load_preset("tiny-emo").tables
    return config.resolve(EmoConfig, preset=preset, options=settings)


def lively(form: ModelConfig) -> Emo:
    """A model with random weights, layers that begin at zero included."""
    torch.manual_seed(0)
    model = build(form).eval()
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return model.requires_grad_(False)


@pytest.fixture(scope="session")
def settings() -> EmoConfig:
    """The tiny preset."""
    return resolved()


@pytest.fixture(scope="session")
def model(settings: EmoConfig) -> Emo:
    """A model with random weights."""
    return lively(settings.model)
