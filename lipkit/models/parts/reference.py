"""Reference attention: a UNet that writes what it sees of pictures, and attention that reads it.

Hu et al., "Animate Anyone" (2023), arXiv:2311.17117. What is written is a bank: the tokens of every
attention layer by the layer's name. Nothing is kept between calls: banks travel as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from lipkit.models.parts.diffusion_config import VideoUNetConfig
from lipkit.models.parts.video_unet import listen, sizes

Bank = Mapping[str, Tensor]  # layer -> (b, k, l, c): k pictures of each of b samples, l tokens
Tap = Literal["norm1", "attn_out"]  # what is written: self-attention's input, or its output


@dataclass(frozen=True, eq=False)
class Reading:
    """Which of a bank's samples each row of a batch reads; the first ``blind`` rows read none."""

    bank: Bank
    owner: Tensor  # (rows,) index of a sample
    blind: int = 0

    def tokens(self, layer: str, like: Tensor) -> Tensor | None:
        """The reference picture's tokens ``(rows - blind, l, c)``; None if nobody reads."""
        if not self.bank or self.blind == len(self.owner):
            return None
        return self.bank[layer][:, 0][self.owner[self.blind :]].to(like)


class WritingAttention(AttnProcessor2_0):
    """Plain self-attention that notes in ``bank`` what comes in or goes out."""

    def __init__(self, layer: str, tap: Tap) -> None:
        super().__init__()
        self.layer, self.tap = layer, tap

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        bank: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """What ``hidden_states (n, l, c)`` take from each other."""
        result = super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask)
        if bank is not None:
            bank[self.layer] = hidden_states if self.tap == "norm1" else result
        return result


class ReadingAttention(AttnProcessor2_0):
    """Attention of which keys and values are the reference's, ``beside`` the own ones or alone.

    Rows that read nothing attend to themselves, or take nothing.
    """

    def __init__(self, layer: str, beside: bool) -> None:
        super().__init__()
        self.layer, self.beside = layer, beside

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        reading: Reading | None = None,
    ) -> Tensor:
        """What ``hidden_states (n, l, c)`` take."""
        seen = reading.tokens(self.layer, hidden_states) if reading is not None else None
        if reading is None or seen is None:
            return self._alone(attn, hidden_states)
        blind, sighted = hidden_states[: reading.blind], hidden_states[reading.blind :]
        keys = torch.cat([sighted, seen], 1) if self.beside else seen
        result = super().__call__(attn, sighted, keys)
        return torch.cat([self._alone(attn, blind), result]) if len(blind) else result

    def _alone(self, attn: Attention, tokens: Tensor) -> Tensor:
        return super().__call__(attn, tokens) if self.beside else torch.zeros_like(tokens)


class ContextAttention(AttnProcessor2_0):
    """Plain attention inside a network whose other layers read or write banks."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        reading: Reading | None = None,
        bank: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """What ``hidden_states (n, l, c)`` take from ``encoder_hidden_states (n, t, d)``."""
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask)


class ReferenceNet(UNet2DConditionModel):
    """Stable Diffusion 1.5's UNet without its head: what counts is the bank that it writes."""

    def __init__(self, form: VideoUNetConfig, tap: Tap = "norm1") -> None:
        super().__init__(**sizes(form))
        self.conv_norm_out, self.conv_out = None, nn.Identity()
        for layer, block in blocks(self):
            listen(block, hears=form.context is not None)
            block.attn1.set_processor(WritingAttention(layer, tap))
            if form.context is not None:
                block.attn2.set_processor(ContextAttention())

    def forward(self, latents: Tensor, context: Tensor | None = None) -> dict[str, Tensor]:
        """The tokens ``(n, l, c)`` of each layer for latents of pictures ``(n, 4, h, w)``.

        Cross-attention reads ``context (n, t, d)``. The pictures are clean: time step 0.
        """
        bank: dict[str, Tensor] = {}
        told: dict[str, Any] = {"cross_attention_kwargs": {"bank": bank}, "return_dict": False}
        super().forward(latents, 0, context, **told)
        return bank


def read(unet: nn.Module, how: Literal["self_concat", "cross"]) -> None:
    """Let a UNet's attention read banks: beside its own tokens, or in place of its context."""
    for layer, block in blocks(unet):
        beside = how == "self_concat"
        if not beside:
            width = block.attn1.to_q.in_features
            block.norm2 = nn.LayerNorm(width)
            heads = block.attn1.heads
            block.attn2 = Attention(width, width, heads=heads, dim_head=width // heads)
        reader = ReadingAttention(layer, beside)
        block.attn1.set_processor(reader if beside else ContextAttention())
        if block.attn2 is not None:
            block.attn2.set_processor(ContextAttention() if beside else reader)


def blocks(unet: nn.Module) -> list[tuple[str, BasicTransformerBlock]]:
    """The transformer blocks over a picture's tokens, by name; not those over time."""
    return [
        (name, module)
        for name, module in unet.named_modules()
        if isinstance(module, BasicTransformerBlock) and ".attentions." in name
    ]


def layer_of(attention: nn.Module) -> str:
    """The name in banks of a spatial transformer's one layer."""
    block = attention.transformer_blocks[0]
    return next(
        processor.layer
        for processor in (block.attn1.processor, getattr(block.attn2, "processor", None))
        if isinstance(processor, ReadingAttention)
    )


def spread(samples: int, frames: int, how: Literal["ordered", "interleaved"]) -> Tensor:
    """Owners ``(samples * frames,)`` of rows: each sample's frames in a row, or by turns.

    By turns is a slip of Hallo's code that its weights were trained with: with guidance every
    other frame reads the bank of the other half.
    """
    owner = torch.arange(samples)
    return owner.repeat(frames) if how == "interleaved" else owner.repeat_interleave(frames)
