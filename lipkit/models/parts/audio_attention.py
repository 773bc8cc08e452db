"""Layers of a video UNet that hear: one plain, and Hallo's, which hears apart for parts of a face.

Xu et al., "Hallo" (2024), arXiv:2406.08801, section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional

PARTS = ("full", "face", "lip")  # in the order of masks and weights; full is what is around


@dataclass(frozen=True, eq=False)
class Voice:
    """What audio layers hear, and how much of it each part of the picture takes.

    ``tokens (b*f, t, d)``; ``masks`` holds for each part one mask ``(b*f, l)`` a level.
    """

    tokens: Tensor
    masks: Sequence[Sequence[Tensor]] = ()
    weights: Sequence[float] = (1.0, 1.0, 1.0)

    def at(self, level: int) -> list[Tensor]:
        """The masks of all parts at a level."""
        return [levels[level] for levels in self.masks]


class AudioModule(nn.Module):
    """Hallo's audio module: a transformer block over a frame's pixels that also hears.

    ``masked`` modules hear three times, once for each part of the face; ``inner`` is the width
    inside, which is the one of the block's input.
    """

    def __init__(
        self,
        channels: int,
        inner: int,
        heads: int,
        heard: int,
        groups: int = 32,
        *,
        masked: bool = True,
        level: int = 0,
    ) -> None:
        super().__init__()
        self.level = level
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, inner, 1)
        self.transformer_blocks = nn.ModuleList([HearingBlock(inner, heads, heard, masked)])
        self.proj_out = nn.Conv2d(inner, channels, 1)

    def forward(self, pictures: Tensor, voice: Voice) -> Tensor:
        """Pictures ``(b*f, c, h, w)`` that heard the voice."""
        x = self.proj_in(self.norm(pictures))
        size = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            x = block(x, voice, self.level)
        return pictures + self.proj_out(x.transpose(1, 2).unflatten(2, size))


class HearingBlock(nn.Module):
    """Self-attention, one or three attentions to the sound, and a feed-forward."""

    def __init__(self, width: int, heads: int, heard: int, masked: bool) -> None:
        super().__init__()

        def attention(keys: int | None = None) -> Attention:
            return Attention(width, keys, heads=heads, dim_head=width // heads)

        self.masked = masked
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = attention()
        if masked:
            self.attn2_0, self.attn2_1, self.attn2_2 = (attention(heard) for _ in PARTS)
        else:
            self.attn2 = attention(heard)
        for part in PARTS:  # unmasked blocks have them too, unused, as released
            self.add_module(f"zero_conv_{part}", silent(nn.Conv2d(width, width, 1)))
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, voice: Voice, level: int) -> Tensor:
        """Tokens ``(b*f, l, c)`` that heard the voice."""
        x = x + self.attn1(self.norm1(x))
        query = self.norm2(x)
        if self.masked:
            parts = zip(PARTS, voice.at(level), voice.weights, strict=True)
            x = x + sum(
                weight * self._part(number, part, query, voice.tokens, mask)
                for number, (part, mask, weight) in enumerate(parts)
            )
        else:
            x = x + self.attn2(query, voice.tokens)
        return x + self.ff(self.norm3(x))

    def _part(self, number: int, part: str, query: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """What one part hears; the convolution's bias is added outside of the mask as well."""
        taken = self.get_submodule(f"attn2_{number}")(query, tokens) * mask[..., None].to(query)
        convolution = self.get_submodule(f"zero_conv_{part}")
        return functional.linear(taken, convolution.weight.flatten(1), convolution.bias)


class AudioLayer(nn.Module):
    """Attention of a frame's pixels to its sound, and nothing more; adds nothing until trained."""

    def __init__(self, channels: int, heads: int, heard: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, heard, heads=heads, dim_head=channels // heads)
        silent(self.attention.to_out[0])

    def forward(self, pictures: Tensor, voice: Voice) -> Tensor:
        """Pictures ``(b*f, c, h, w)`` that heard the voice."""
        query = self.norm(pictures.flatten(2).transpose(1, 2))
        taken = self.attention(query, voice.tokens)
        return pictures + taken.transpose(1, 2).reshape(pictures.shape)


class AudioProjection(nn.Module):
    """A window of audio features as tokens that attention reads."""

    def __init__(self, given: int, hidden: int, tokens: int, width: int) -> None:
        super().__init__()
        self.proj1 = nn.Linear(given, hidden)
        self.proj2 = nn.Linear(hidden, hidden)
        self.proj3 = nn.Linear(hidden, tokens * width)
        self.norm = nn.LayerNorm(width)
        self.tokens = tokens

    def forward(self, windows: Tensor) -> Tensor:
        """Tokens ``(..., t, d)`` of windows ``(..., w)``: steps, layers and channels in a row."""
        x = functional.relu(self.proj1(windows))
        x = self.proj3(functional.relu(self.proj2(x)))
        return self.norm(x.unflatten(-1, (self.tokens, -1)))


def silent(layer: nn.Module) -> nn.Module:
    """The layer with weights of zero, so that it adds nothing until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def without(voice: Voice) -> Voice:
    """The same voice, silent: tokens of zeros, which are another thing than heard silence."""
    return Voice(torch.zeros_like(voice.tokens), voice.masks, voice.weights)
