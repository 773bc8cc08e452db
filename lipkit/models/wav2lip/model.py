"""Wav2Lip as one module: the generator, and the networks that judge it where they are its own."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from lipkit.models.parts import checkpoint, weights
from lipkit.models.wav2lip.config import ModelConfig
from lipkit.models.wav2lip.discriminator import Discriminator
from lipkit.models.wav2lip.generator import Generator
from lipkit.models.wav2lip.syncnet import Expert

Network = TypeVar("Network", bound=nn.Module)


class Wav2Lip(nn.Module):
    """The generator of faces with its expert and its judge of quality."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config.width)
        self.expert = Expert(2 * config.width) if config.judges else None
        self.judge = Discriminator(2 * config.width) if config.judges else None


def build(config: ModelConfig) -> Wav2Lip:
    """A model with fresh weights."""
    return Wav2Lip(config)


def expert_of(model: Wav2Lip) -> Expert:
    """The model's own expert, else the stored one; `WeightsError` says how to get that."""
    return model.expert if model.expert is not None else stored(Expert(), "wav2lip-expert")


def judge_of(model: Wav2Lip) -> Discriminator:
    """The model's own judge, else the stored one; `WeightsError` says how to get that."""
    return model.judge if model.judge is not None else stored(Discriminator(), "wav2lip-judge")


def stored(network: Network, name: str) -> Network:
    """The network with weights of the store."""
    checkpoint.load(network, weights.locate(name))
    return network.eval().requires_grad_(False)
