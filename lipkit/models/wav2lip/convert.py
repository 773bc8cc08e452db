"""Official Wav2Lip checkpoints in our names, which are theirs but for training's prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.models.parts.convert import Rule, convert, counted
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.wav2lip.config import ModelConfig
from lipkit.models.wav2lip.discriminator import Discriminator
from lipkit.models.wav2lip.generator import Generator
from lipkit.models.wav2lip.syncnet import Expert

PREFIX = "module."  # of training on several GPUs
OURS = "generator."  # within our model
RULES = (Rule(r"(.+)", r"\1"),)
NETWORKS: dict[str, type[nn.Module]] = {
    "wav2lip-expert": Expert,
    "wav2lip-judge": Discriminator,
}


def adopt(checkpoint: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """One of the official networks, and the settings of our model if it is the generator.

    ``wanted.name`` tells which one it is to be.
    """
    network = NETWORKS.get(wanted.name, Generator)
    expected = skeleton(network)
    given = {name.removeprefix(PREFIX): tensor for name, tensor in checkpoint.tensors.items()}
    found = convert(counted(given, expected), RULES, expected, str(checkpoint.file))
    if network is not Generator:
        return found, {}
    return {f"{OURS}{k}": t for k, t in found.items()}, asdict(ModelConfig(judges=False))


def official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A network's tensors as the official training saves them; of a model, the generator's."""
    whole = any(name.startswith(OURS) for name in tensors)
    own = {k.removeprefix(OURS): t for k, t in tensors.items() if not whole or k.startswith(OURS)}
    return {f"{PREFIX}{name}": tensor for name, tensor in own.items()}


def skeleton(network: type[nn.Module]) -> dict[str, Tensor]:
    """Names and shapes of a network of the released size, without its numbers."""
    with torch.device("meta"):
        return network().state_dict()
