"""MegaPortraits' networks as small as they can be."""

from __future__ import annotations

import torch

from lipkit.models.vasa.codecs.megaportraits.config import (
    CodecConfig,
    DecoderConfig,
    EnhancerConfig,
    ResNetConfig,
)
from lipkit.models.vasa.codecs.megaportraits.model import MegaPortraits, build
from lipkit.training.toys.takes import Toys, ToySpec

NET = ResNetConfig((1, 1), width=8, side=32)
TOYS = Toys(ToySpec(size=32, seconds=0.4, people=4, takes=4, held_out=3))


def form(enlargement: int = 1) -> CodecConfig:
    return CodecConfig(
        size=32,
        widths=(8, 8),
        channels=8,
        depth=4,
        blocks=1,
        code=8,
        expression_width=6,
        identity=NET,
        pose=NET,
        expression=NET,
        warp=(8, 8),
        canonical=(8, 12),
        decoder=DecoderConfig(8, 1, (8,)),
        enhancer=EnhancerConfig(enlargement, (8, 8), DecoderConfig(8, 1, (8, 8))),
    )


def toy(enlargement: int = 1) -> MegaPortraits:
    torch.manual_seed(0)
    return build(form(enlargement)).eval()
