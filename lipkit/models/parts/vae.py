"""Stable Diffusion's autoencoder: pictures to latents and back, some at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from lipkit.models.parts import checkpoint, weights
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.diffusion_config import VaeConfig
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.patches import Patches

BATCH = 16  # pictures coded at once; fewer where memory does not hold them
CELL = 8  # pixels that a latent is wide, at most
AT_ONCE = {"cpu": 1}  # a CPU gains nothing by batches, and memory is all that they cost it
SMALL = 1 << 16  # pixels up to which small pictures are coded together on a CPU, too

ATTENTION = r"((?:en|de)coder\.mid_block\.attentions\.0)\."
RULES = (  # files of before 2023 name the attention otherwise
    Rule(ATTENTION + r"query\.(.+)", r"\1.to_q.\2"),
    Rule(ATTENTION + r"key\.(.+)", r"\1.to_k.\2"),
    Rule(ATTENTION + r"value\.(.+)", r"\1.to_v.\2"),
    Rule(ATTENTION + r"proj_attn\.(.+)", r"\1.to_out.0.\2"),
    Rule(r"((?:encoder|decoder|quant_conv|post_quant_conv)\..+)", r"\1"),
)


def build(form: VaeConfig) -> Any:
    """The network with fresh weights; without layers, a linear one of patches."""
    count = len(form.widths)
    if not form.layers:
        return Patches(2 ** (count - 1), form.latents, form.scale)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * count,
        up_block_types=("UpDecoderBlock2D",) * count,
        block_out_channels=form.widths,
        layers_per_block=form.layers,
        latent_channels=form.latents,
        norm_num_groups=form.groups,
        scaling_factor=form.scale,
    )


@cache
def stored(form: VaeConfig) -> AutoencoderKL:
    """An autoencoder of the store, loaded once; `WeightsError` says how to get a missing one."""
    path = weights.locate(form.weights)
    with checkpoint.hollow():
        network = build(form)
    checkpoint.load(network, path)
    return network.eval()


def of(model: Any) -> AutoencoderKL:
    """A model's own autoencoder ``vae``, else the stored one that it was trained with."""
    return model.vae if model.vae is not None else stored(model.config.vae)


def encode(vae: AutoencoderKL, pictures: Tensor, noise: Tensor | None = None) -> Tensor:
    """Latents ``(n, c, h/8, w/8)`` of ``pictures (n, 3, h, w)`` in -1..1, scaled for a UNet.

    Drawn from the posterior by ``noise`` in the latents' shape; its mean without.
    """

    def some(first: int, last: int) -> Tensor:
        posterior = vae.encode(pictures[first:last].to(vae.dtype)).latent_dist
        latents = posterior.mean.float()
        if noise is not None:
            latents = latents + posterior.std.float() * noise[first:last].to(latents.device)
        return latents * vae.config.scaling_factor

    return in_parts(some, len(pictures), at_once(pictures, 1))


def decode(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Pictures ``(n, 3, h, w)`` about -1..1 of a UNet's ``latents (n, c, h/8, w/8)``."""

    def some(first: int, last: int) -> Tensor:
        part = latents[first:last] / vae.config.scaling_factor
        return vae.decode(part.to(vae.dtype)).sample.float()

    return in_parts(some, len(latents), at_once(latents, CELL))


def at_once(pictures: Tensor, cell: int) -> int:
    """How many of ``pictures (n, c, h, w)``, ``cell`` pixels to a place, to code together."""
    usual = AT_ONCE.get(pictures.device.type, BATCH)
    return max(usual, SMALL // (pictures.shape[-2] * pictures.shape[-1] * cell**2))


def pictures_of(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Pictures ``(n, 3, h, w)`` in -1..1 of latents ``(n, c, h/8, w/8)``, one at a time."""
    return torch.cat([decode(vae, one) for one in latents.split(1)]).clamp(-1, 1)


def in_parts(work: Callable[[int, int], Tensor], count: int, size: int = BATCH) -> Tensor:
    """``work(first, last)`` over stretches of ``count`` things; shorter ones when memory ends."""
    size = min(size, count)
    while True:
        try:
            return torch.cat([work(k, min(k + size, count)) for k in range(0, count, size)])
        except torch.OutOfMemoryError:
            if size == 1:
                raise
        size //= 2
        torch.cuda.empty_cache()


def adopt(given: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The checkpoint of Stable Diffusion's autoencoder in our names."""
    with torch.device("meta"):
        expected = build(VaeConfig()).state_dict()
    return convert(given.tensors, RULES, expected, str(given.file)), {}
