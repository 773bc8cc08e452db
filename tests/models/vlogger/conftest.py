"""A model of the family that is small enough to test with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lipkit import config
from lipkit.models.vlogger.config import UNetConfig, VloggerConfig
from lipkit.models.vlogger.material import tracked
from lipkit.models.vlogger.model import Vlogger, build
from lipkit.training.toys.takes import Toys, ToySpec


@pytest.fixture(scope="session")
def toys() -> Toys:
    """A few short takes."""
    return Toys(ToySpec(size=32, seconds=1.2, people=6, takes=6, held_out=2))


@pytest.fixture(scope="session")
def small() -> VloggerConfig:
    """The tiny preset with still smaller networks."""
    tables = config.load_preset("tiny-vlogger").tables
    found = config.resolve(VloggerConfig, preset=tables)
    painter = UNetConfig(widths=(8, 16), layers=1, attention=(1,), heads=2, groups=4)
    model = replace(
        found.model,
        resolution=16,
        cascade=(32,),
        window=4,
        face=replace(found.model.face, shape=4, expression=4),
        motion=replace(found.model.motion, width=16, heads=2, inner=16, window=8, context=3),
        painter=painter,
        upscaler=replace(painter, attention=()),
    )
    sampling = replace(found.sampling, motion_steps=2, steps=2, upscale_steps=2)
    stages = {
        name: replace(getattr(found.train, name), batch=2, frames=frames)
        for name, frames in (("motion", 11), ("temporal", 3), ("frames", 1), ("upscale", 1))
    }
    train = replace(found.train, faces=6, apart=3, patch=16, scenes=4, **stages)
    return replace(found, model=model, sampling=sampling, train=train)


@pytest.fixture(scope="session")
def model(small: VloggerConfig, toys: Toys) -> Vlogger:
    """A model with random weights in all layers, and the parametric face of cartoons."""
    torch.manual_seed(0)
    fresh = build(small.model).eval()
    for parameter in fresh.parameters():
        if not parameter.abs().sum():
            torch.nn.init.normal_(parameter, std=0.05)
    fresh.face.learn([tracked(take).meshes[::2] for take in toys.training])
    fresh.head_spread.copy_(torch.tensor(np.array([3.0, 3, 3, 1, 1, 1])))
    return fresh.requires_grad_(False)
