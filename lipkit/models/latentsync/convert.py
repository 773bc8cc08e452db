"""Official LatentSync and Stable Diffusion UNets in our names, and ours in official names.

Ours are diffusers' names. The files differ in two places: the motion modules' inner names, and the
audio attention's name in 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.models.latentsync.config import LatentSyncConfig, ModelConfig
from lipkit.models.parts.convert import Rule, convert, renamed
from lipkit.models.parts.diffusion_config import VideoUNetConfig
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, TO_ANIMATEDIFF, doubled_tables
from lipkit.models.parts.video_unet import VideoUNet

UNET = (
    *FROM_ANIMATEDIFF,
    Rule(r"(.+)\.audio_cross_attn\.norm\.(.+)", r"\1.norm2.\2"),  # 1.0
    Rule(r"(.+)\.audio_cross_attn\.attn\.(.+)", r"\1.attn2.\2"),
    Rule(r"((?:conv|time|down_blocks|mid_block|up_blocks|listener).+)", r"\1"),
)
OFFICIAL = (*TO_ANIMATEDIFF, Rule(r"(.+)", r"\1"))
OFFICIAL_10 = (
    Rule(r"(.*\.attentions\..+)\.norm2\.(.+)", r"\1.audio_cross_attn.norm.\2"),
    Rule(r"(.*\.attentions\..+)\.attn2\.(.+)", r"\1.audio_cross_attn.attn.\2"),
    *OFFICIAL,
)


def adopt(checkpoint: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An official UNet in our names, and the settings of the preset ``wanted.name``."""
    form = preset_form(wanted.name)
    found = convert(checkpoint.tensors, UNET, skeleton(form.unet), str(checkpoint.file))
    return {f"unet.{name}": tensor for name, tensor in found.items()}, asdict(form)


def preset_form(name: str) -> ModelConfig:
    """The model settings of a preset."""
    tables = settings.load_preset(name).tables
    return settings.resolve(LatentSyncConfig, preset=tables).model


@cache
def skeleton(form: VideoUNetConfig) -> dict[str, Tensor]:
    """Names and shapes of a UNet, without its numbers."""
    with torch.device("meta"):
        return VideoUNet(form).state_dict()


def official(tensors: Mapping[str, Tensor], version: str = "1.5") -> dict[str, Tensor]:
    """A UNet's tensors under the names of the official code of that version."""
    return doubled_tables(renamed(tensors, OFFICIAL_10 if version == "1.0" else OFFICIAL))


def initialise(state: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a UNet with ``state`` takes from official ``tensors`` of another kind of UNet.

    From Stable Diffusion 1.5, or from one stage to the next: convolutions at the ends are left out
    where their widths differ, the audio's keys and values where the audio's width does.
    """
    given = {name: t for name, t in renamed(tensors, UNET).items() if name in state}
    ends = ("conv_in", "conv_out")
    for end in ends:
        if (
            f"{end}.weight" in given
            and given[f"{end}.weight"].shape != state[f"{end}.weight"].shape
        ):
            given = {name: t for name, t in given.items() if not name.startswith(f"{end}.")}
    heard = re.compile(r".+\.attentions\..+\.attn2\.to_[kv]\.weight")
    return {
        name: tensor
        for name, tensor in given.items()
        if not heard.fullmatch(name) or tensor.shape == state[name].shape
    }
