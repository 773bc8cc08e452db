"""The motion generator as one module: what hears and what moves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import cosine_schedule
from lipkit.models.vasa.config import ModelConfig
from lipkit.models.vasa.frontend import Frontend
from lipkit.models.vasa.generator import MotionTransformer
from lipkit.models.vasa.noise import kernels


class Mover(nn.Module):
    """A motion transformer, and the scale of the motion that it makes."""

    def __init__(self, generator: MotionTransformer) -> None:
        super().__init__()
        self.generator = generator
        channels = generator.config.channels
        self.register_buffer("motion_mean", torch.zeros(channels))
        self.register_buffer("motion_deviation", torch.ones(channels))
        schedule = cosine_schedule(generator.config.diffusion_steps)
        self.register_buffer("alpha_bar", schedule, persistent=False)

    def normalised(self, motion: Tensor) -> Tensor:
        """Motion ``(..., c)`` in standard deviations of the training set."""
        return (motion - self.motion_mean) / self.motion_deviation

    def absolute(self, motion: Tensor) -> Tensor:
        """Motion ``(..., c)`` in the layout's own units."""
        return motion * self.motion_deviation + self.motion_mean


class VoiceModel(Mover):
    """The default's: a front end that hears, and what moves to it."""

    def __init__(self, config: ModelConfig) -> None:
        frontend = Frontend(config.frontend)
        super().__init__(MotionTransformer(config.generator))
        self.config = config
        self.frontend = frontend
        self.register_buffer("colours", kernels(), persistent=False)


def build(config: ModelConfig) -> VoiceModel:
    """A model with fresh weights."""
    return VoiceModel(config)
