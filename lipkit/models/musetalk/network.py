"""The network: Stable Diffusion's UNet as a filler of faces, asked once, without noise.

Zhang et al. 2024, arXiv:2410.10122, section 3. Parameters have the names of the official files.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from lipkit.models.musetalk.config import UNetConfig

TOKENS = 5000  # places in the official code's table


class FaceUNet(UNet2DConditionModel):
    """Latents of whole faces out of latents of half faces and what is heard with them."""

    def __init__(self, form: UNetConfig) -> None:
        super().__init__(**sizes(form))
        self.form = form

    def forward(self, latents: Tensor, audio: Tensor) -> Tensor:
        """Latents ``(b, 4, h, w)`` of ``latents (b, 8, h, w)`` and ``audio (b, t, d)``.

        The first four channels are the half face's, the others a whole one's.
        """
        time = torch.zeros(1, dtype=torch.long, device=latents.device)
        return super().forward(latents, time, encoder_hidden_states=audio).sample


def placed(audio: Tensor) -> Tensor:
    """Audio ``(b, t, d)`` that tells the places of its steps by sines."""
    return audio + table(audio.shape[2])[: audio.shape[1]].to(audio)


@cache
def table(width: int) -> Tensor:
    """The sines ``(places, width)`` themselves."""
    return SinusoidalPositionalEmbedding(width, TOKENS).pe[0]


def sizes(form: UNetConfig) -> dict[str, Any]:
    """Diffusers' settings of the network."""
    attended = [level in form.attention for level in range(len(form.widths))]
    return {
        "in_channels": form.in_channels,
        "out_channels": form.out_channels,
        "down_block_types": tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attended),
        "up_block_types": tuple(
            "CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attended)
        ),
        "block_out_channels": form.widths,
        "layers_per_block": form.layers,
        "attention_head_dim": form.heads,  # the number of heads: an old misnomer
        "cross_attention_dim": form.context,
        "norm_num_groups": form.groups,
    }
