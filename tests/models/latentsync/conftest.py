"""A model of the family that is small enough to test with."""

from __future__ import annotations

import pytest
import torch

from lipkit import config
from lipkit.models.latentsync.config import LatentSyncConfig, ModelConfig
from lipkit.models.latentsync.model import LatentSync, build


@pytest.fixture(scope="session")
def form() -> ModelConfig:
    """The tiny preset's settings."""
    tables = config.load_preset("tiny-latentsync").tables
    return config.resolve(LatentSyncConfig, preset=tables).model


@pytest.fixture(scope="session")
def model(form: ModelConfig) -> LatentSync:
    """A model with random weights, the ends and the motion modules included."""
    torch.manual_seed(0)
    fresh = build(form).eval()
    for name, parameter in fresh.unet.named_parameters():
        if name.startswith(("conv_in", "conv_out")) or ".proj_out." in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return fresh.requires_grad_(False)
