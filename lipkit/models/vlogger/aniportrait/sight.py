"""CLIP's picture encoder: how a portrait looks in one vector, which cross-attention reads.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021),
arXiv:2103.00020; AniPortrait takes the one of Stable Diffusion's image variations.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from lipkit.models.parts import checkpoint, weights
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vlogger.aniportrait.config import SightConfig

# What CLIP takes from the channels of pictures in 0..1, and divides them by.
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
RULES = (
    Rule(r"vision_model\.embeddings\.position_ids", None),  # counted up to, in older files
    Rule(r"((?:vision_model|visual_projection)\..+)", r"\1"),
)


def build(form: SightConfig) -> CLIPVisionModelWithProjection:
    """The network with fresh weights."""
    sizes = CLIPVisionConfig(
        hidden_size=form.width,
        intermediate_size=form.inner,
        projection_dim=form.view,
        num_hidden_layers=form.layers,
        num_attention_heads=form.heads,
        image_size=form.resolution,
        patch_size=form.patch,
    )
    return CLIPVisionModelWithProjection(sizes)


@cache
def stored(form: SightConfig) -> CLIPVisionModelWithProjection:
    """An encoder of the store, loaded once; `WeightsError` says how to get a missing one."""
    path = weights.locate(form.weights)
    # Not on the meta device: it counts positions in a buffer that no file holds.
    network = build(form)
    checkpoint.load(network, path)
    return network.eval()


def view(network: CLIPVisionModelWithProjection, pictures: Tensor) -> Tensor:
    """What CLIP sees ``(b, 1, d)`` in ``pictures (b, 3, h, w)`` in -1..1, of any shape."""
    side = network.config.image_size
    small = functional.interpolate(
        pictures.float(), (side, side), mode="bicubic", antialias=True, align_corners=False
    )
    mean, spread = (small.new_tensor(given)[:, None, None] for given in (MEAN, SPREAD))
    given = ((small.clamp(-1, 1) + 1) / 2 - mean) / spread
    return network(given.to(network.dtype)).image_embeds[:, None]


def adopt(given: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The checkpoint of a picture encoder in our names; a whole CLIP's text half is no part."""
    with torch.device("meta"):
        expected = build(SightConfig()).state_dict()
    return convert(given.tensors, RULES, expected, str(given.file)), {}
