"""EMO's speed layers: a clip's head turns as fast as asked (EMO, section 3.2)."""

from __future__ import annotations

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn

from lipkit.models.emo.config import SpeedConfig
from lipkit.models.parts.audio_attention import silent


def bucketed(velocity: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """Where speeds ``(..., f)`` lie to each bucket ``(..., f, d)``: ``tanh(3 (w - c) / r)``."""
    return torch.tanh((velocity[..., None] - centres) / radii * 3)


def surrounded(rows: Tensor, margin: int) -> Tensor:
    """Each row of ``(..., f, d)`` between its neighbours ``(..., f, (2 m + 1) d)``, ends held."""
    count = rows.shape[-2]
    steps = torch.arange(count)[:, None] + torch.arange(-margin, margin + 1)
    return rows[..., steps.clamp(0, count - 1), :].flatten(-2)


class SpeedEncoder(nn.Module):
    """Head speeds as what speed layers read."""

    def __init__(self, form: SpeedConfig) -> None:
        super().__init__()
        self.margin = form.margin
        spacing = (form.fastest - form.slowest) / max(1, form.buckets - 1)
        centres = torch.linspace(form.slowest, form.fastest, form.buckets)
        self.register_buffer("centres", centres)
        self.register_buffer("radii", torch.full_like(centres, spacing / 2 or 1.0))
        given = (2 * form.margin + 1) * form.buckets
        self.mlp = nn.Sequential(
            nn.Linear(given, form.width), nn.SiLU(), nn.Linear(form.width, form.width)
        )

    def forward(self, velocity: Tensor) -> Tensor:
        """``(b, f, l)`` for speeds ``(b, f)`` in degrees a frame."""
        return self.mlp(surrounded(bucketed(velocity, self.centres, self.radii), self.margin))


class SpeedLayer(nn.Module):
    """Attention of every place's frames to the clip's speeds; adds nothing until trained."""

    def __init__(self, channels: int, heads: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.attention = Attention(channels, width, heads=heads, dim_head=channels // heads)
        silent(self.attention.to_out[0])

    def forward(self, pictures: Tensor, speed: Tensor) -> Tensor:
        """Pictures ``(b*f, c, h, w)`` that know the speeds ``(b, f, l)``."""
        height, width = pictures.shape[-2:]
        x = pictures.unflatten(0, speed.shape[:2]).permute(0, 3, 4, 1, 2).flatten(0, 2)
        taken = self.attention(self.norm(x), speed.repeat_interleave(height * width, 0))
        taken = taken.unflatten(0, (-1, height, width)).permute(0, 3, 4, 1, 2)
        return pictures + taken.flatten(0, 1)
