"""VASA-1 as one module: a face codec, and what moves it."""

from __future__ import annotations

import torch

from lipkit.models.vasa.codecs.megaportraits import model as megaportraits
from lipkit.models.vasa.generator import MotionTransformer
from lipkit.models.vasa.model import Mover
from lipkit.models.vasa.vasa1.config import ModelConfig


class Vasa1(Mover):
    """Codec and motion transformer, and the scales of the motion and of the sound."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(MotionTransformer(config.generator))
        self.config = config
        self.codec = megaportraits.build(config.codec)
        self.register_buffer("audio_mean", torch.zeros(config.generator.audio))
        self.register_buffer("audio_deviation", torch.ones(config.generator.audio))


def build(config: ModelConfig) -> Vasa1:
    """A model with fresh weights."""
    return Vasa1(config)
