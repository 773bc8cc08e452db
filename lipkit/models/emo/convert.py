"""Hallo's ``net.pth`` in our names, and ours in its."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.models.emo.config import EmoConfig
from lipkit.models.emo.model import Emo
from lipkit.models.parts.convert import Rule, convert, renamed
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, TO_ANIMATEDIFF, doubled_tables

PARTS = {
    "reference": "reference_unet",
    "backbone": "denoising_unet",
    "locator": "face_locator",
    "identity": "imageproj",
    "hearing": "audioproj",
}
TO_PARTS = (
    Rule(r"imageproj\.proj\.(.+)", r"identity.image_embeds.\1"),
    *(Rule(rf"{theirs}\.(.+)", rf"{ours}.\1") for ours, theirs in PARTS.items()),
)
FROM_PARTS = (
    Rule(r"identity\.image_embeds\.(.+)", r"imageproj.proj.\1"),
    *(Rule(rf"{ours}\.(.+)", rf"{theirs}.\1") for ours, theirs in PARTS.items()),
)
KEEP = Rule(r"(.+)", r"\1")


def ours(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> Any:
    """A whole ``net.pth`` in our names; `WeightsError` names what does not fit."""
    named = renamed(tensors, (*TO_PARTS, KEEP))
    return convert(named, (*FROM_ANIMATEDIFF, KEEP), expected, source)


def official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors in the names of ``net.pth``."""
    named = renamed(tensors, (*FROM_PARTS, KEEP))
    return doubled_tables(renamed(named, (*TO_ANIMATEDIFF, KEEP)))


def adopt(checkpoint: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Hallo's network in our names, and the settings of the preset ``wanted.name``."""
    tables = settings.load_preset(wanted.name).tables
    form = settings.resolve(EmoConfig, preset=tables).model
    with torch.device("meta"):
        expected = Emo(form).state_dict()
    return ours(checkpoint.tensors, expected, str(checkpoint.file)), asdict(form)
