"""The motion generator as one module: what hears and what moves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import cosine_schedule
from lipkit.models.vasa.config import ModelConfig
from lipkit.models.vasa.frontend import Frontend
from lipkit.models.vasa.generator import MotionTransformer
from lipkit.models.vasa.noise import kernels


class VoiceModel(nn.Module):
    """Front end and motion transformer, and the scale of the motion between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.frontend = Frontend(config.frontend)
        self.generator = MotionTransformer(config.generator)
        channels = config.generator.channels
        self.register_buffer("motion_mean", torch.zeros(channels))
        self.register_buffer("motion_deviation", torch.ones(channels))
        schedule = cosine_schedule(config.generator.diffusion_steps)
        self.register_buffer("alpha_bar", schedule, persistent=False)
        self.register_buffer("colours", kernels(), persistent=False)

    def normalised(self, motion: Tensor) -> Tensor:
        """Motion ``(..., c)`` in standard deviations of the training set."""
        return (motion - self.motion_mean) / self.motion_deviation

    def absolute(self, motion: Tensor) -> Tensor:
        """Motion ``(..., c)`` in the layout's own units."""
        return motion * self.motion_deviation + self.motion_mean


def build(config: ModelConfig) -> VoiceModel:
    """A model with fresh weights."""
    return VoiceModel(config)
