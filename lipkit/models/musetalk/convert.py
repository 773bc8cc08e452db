"""Official MuseTalk UNets in our names, which but for the module's are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.models.musetalk.config import ModelConfig, MuseTalkConfig
from lipkit.models.musetalk.network import FaceUNet
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint

RULES = (Rule(r"((?:conv|time|down_blocks|mid_block|up_blocks).+)", r"unet.\1"),)


def adopt(checkpoint: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An official UNet in the names of our model, and the settings of the preset of its name."""
    form = preset_form(wanted.name)
    found = convert(checkpoint.tensors, RULES, skeleton(form), str(checkpoint.file))
    return found, asdict(form)


def official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our model's tensors under the names of the official files, which have no autoencoder."""
    prefix = "unet."
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def preset_form(name: str) -> ModelConfig:
    """The model settings of a preset."""
    return settings.resolve(MuseTalkConfig, preset=settings.load_preset(name).tables).model


def skeleton(form: ModelConfig) -> dict[str, Tensor]:
    """Names and shapes of the UNet in our model, without its numbers."""
    with torch.device("meta"):
        names = FaceUNet(form.unet).state_dict()
    return {f"unet.{name}": tensor for name, tensor in names.items()}
