"""JoyVASA's generator as one module: what hears, what moves, and the scale of motion."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.audio.wav2vec2 import mirrored
from lipkit.models.vasa.joyvasa.config import CHANNELS, HearingConfig, ModelConfig
from lipkit.models.vasa.joyvasa.denoiser import Denoiser
from lipkit.models.vasa.joyvasa.schedule import Schedule


class JoyVasa(nn.Module):
    """The denoiser and what surrounds it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.denoiser
        self.config = config
        self.hearing = hubert(config.hearing)
        self.audio_map = nn.Linear(config.hearing.width, shape.width)
        self.denoiser = Denoiser(shape)
        self.start_motion = nn.Parameter(torch.randn(1, shape.context, shape.channels))
        self.start_audio = nn.Parameter(torch.randn(1, shape.context, shape.width))
        self.null_audio = nn.Parameter(torch.randn(1, 1, shape.width))
        self.register_buffer("motion_offset", torch.zeros(CHANNELS))
        self.register_buffer("motion_scale", torch.ones(CHANNELS))

    @property
    def schedule(self) -> Schedule:
        """The diffusion that the weights were trained with."""
        return Schedule.of(self.config.schedule, self.config.diffusion_steps)

    def hear(self, sound: Tensor) -> Tensor:
        """Audio features ``(b, f, d)`` of ``sound (b, 640 f)`` at 16 kHz, which is not scaled."""
        states = self.hearing(mirrored(sound)).last_hidden_state.transpose(1, 2)
        frames = sound.shape[1] * self.config.fps // 16000
        even = functional.interpolate(states, frames, mode="linear")
        return self.audio_map(even.transpose(1, 2))

    def absolute(self, motion: Tensor) -> Tensor:
        """Motion ``(..., 70)`` in the codec's own units, of the generator's ``(..., c)``."""
        return motion[..., :CHANNELS] * self.motion_scale + self.motion_offset

    def normalised(self, motion: Tensor) -> Tensor:
        """Motion as the generator knows it, of the codec's ``(..., 70)``."""
        return (motion - self.motion_offset) / (self.motion_scale + 1e-9)


def hubert(config: HearingConfig) -> nn.Module:
    """A HuBERT without weights of its own."""
    from transformers import HubertConfig, HubertModel

    return HubertModel(
        HubertConfig(
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.inner,
            conv_dim=list(config.convolutions),
            num_conv_pos_embeddings=config.positions,
            num_conv_pos_embedding_groups=config.groups,
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
        )
    )


def build(config: ModelConfig) -> JoyVasa:
    """A model with fresh weights."""
    return JoyVasa(config)
