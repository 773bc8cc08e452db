"""Two encoders, one of sound and one of head pose, whose embeddings agree where both belong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.capp.config import STEPS, WIDTHS, ModelConfig
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint

ANGLES = 3  # yaw, pitch, roll
HOTTEST = 100.0  # largest factor on the cosines, as in CLIP
COLDEST = 1 / 0.07  # with which training begins


class Encoder(nn.Module):
    """A transformer over the frames of a window; its mean is the embedding."""

    def __init__(self, channels: int, layers: int, config: ModelConfig) -> None:
        super().__init__()
        self.entry = nn.Linear(channels, config.width)
        self.places = nn.Parameter(torch.randn(config.frames, config.width) * 0.02)
        block = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            4 * config.width,
            config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.exit = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, config.embedding)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Unit vectors ``(b, e)`` of windows ``(b, f, c)``."""
        x = self.blocks(self.entry(rows) + self.places)
        return functional.normalize(self.exit(x.mean(1)), dim=-1)


class Capp(nn.Module):
    """Embeds windows of sound and of head pose."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.sound = Encoder(STEPS * WIDTHS[config.audio], config.audio_layers, config)
        self.head = Encoder(2 * ANGLES, config.pose_layers, config)
        self.heat = nn.Parameter(torch.tensor(math.log(COLDEST)))
        self.register_buffer("deviation", torch.ones(ANGLES))  # of the angles in a window
        self.register_buffer("pace", torch.ones(ANGLES))  # of their changes

    def hear(self, audio: Tensor) -> Tensor:
        """Embeddings ``(b, e)`` of features ``(b, 2 f, a)``; how loud a recording is is nothing."""
        audio = audio - audio.mean((1, 2), keepdim=True)
        audio = audio / audio.std((1, 2), keepdim=True).clamp_min(1e-4)
        return self.sound(audio.unflatten(1, (-1, STEPS)).flatten(2))

    def watch(self, pose: Tensor) -> Tensor:
        """Embeddings ``(b, e)`` of angles ``(b, f, 3)`` in degrees; the mean posture is nothing."""
        changes = functional.pad(pose.diff(dim=1), (0, 0, 1, 0)) / self.pace
        turned = (pose - pose.mean(1, keepdim=True)) / self.deviation
        return self.head(torch.cat([turned, changes], -1))

    def contrast(self, audio: Tensor, pose: Tensor) -> Tensor:
        """Scaled cosines ``(b, b)`` of every sound with every pose."""
        return self.heat.exp().clamp_max(HOTTEST) * self.hear(audio) @ self.watch(pose).T


def build(config: ModelConfig) -> Capp:
    """A model with fresh weights."""
    return Capp(config)


def adopt(
    checkpoint: Checkpoint, wanted: Any = None
) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The tensors of a run of ``lipkit train capp``, and the shape that they fit."""
    from lipkit.config import resolve

    config = resolve(ModelConfig, preset=checkpoint.config)
    with torch.device("meta"):
        expected = build(config).state_dict()
    found = convert(checkpoint.tensors, [Rule("(.+)", r"\1")], expected, str(checkpoint.file))
    return found, checkpoint.config
