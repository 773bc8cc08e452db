"""LivePortrait's networks at the size of the toy preset."""

from __future__ import annotations

import torch

from lipkit import config
from lipkit.models.vasa.codecs.liveportrait.config import VideoDrivenConfig
from lipkit.models.vasa.codecs.liveportrait.model import LivePortrait, build


def toy() -> LivePortrait:
    tables = config.load_preset("tiny-liveportrait").tables
    torch.manual_seed(0)
    return build(config.resolve(VideoDrivenConfig, preset=tables).model).eval()
