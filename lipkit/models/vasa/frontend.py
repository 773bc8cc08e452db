"""From log-mel to phone classes: the audio condition of the motion generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from lipkit.models.vasa.config import FrontendConfig
from lipkit.models.vasa.mel import ROWS

SPEECH = 0.02  # frames above this share of the loud level's power count as speech


@dataclass(frozen=True)
class Statistics:
    """What a recording sounds like.

    ``loud (b, 1, 1)`` power, ``mean`` and ``deviation (b, m, 1)`` of the bands' levels.
    """

    loud: Tensor
    mean: Tensor
    deviation: Tensor


def level(power: Tensor, loud: Tensor) -> Tensor:
    """Log power relative to the loud level, with a floor 60 dB below it; about -3 to 0.5."""
    return torch.log10(power / loud + 1e-6) / 2


def measure(power: Tensor) -> Statistics:
    """Statistics of mel power ``(b, m, t)`` over the frames in which somebody speaks."""
    energy = power.mean(1)
    loud = torch.quantile(energy, 0.95, dim=1).clamp_min(1e-8)[:, None, None]
    x = level(power, loud)
    speech = (energy[:, None] > SPEECH * loud).float()
    count = speech.sum(-1, keepdim=True).clamp_min(1)
    mean = (x * speech).sum(-1, keepdim=True) / count
    deviation = (((x - mean) ** 2 * speech).sum(-1, keepdim=True) / count).sqrt()
    return Statistics(loud, mean, deviation)


def normalise(power: Tensor, statistics: Statistics) -> Tensor:
    """Features ``(b, m, t)``: mel power without the recording's level, colour and contrast."""
    x = level(power, statistics.loud)
    return (x - statistics.mean) / (statistics.deviation + 0.1) * 0.4


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``(b, c, t)``: no frame knows of another."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalised ``x``."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Block(nn.Module):
    """Dilated residual block on ``(b, c, t)``."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.spread = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and what its neighbourhood adds."""
        return x + self.mix(gelu(self.spread(gelu(self.norm(x)))))


class Frontend(nn.Module):
    """Normalised mel ``(b, m, 4 f)`` to standardised class activations ``(b, c, f)``."""

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv1d(config.bands, width, 5, 2, 2), nn.GELU(), nn.Conv1d(width, width, 5, 2, 2)
        )
        self.blocks = nn.Sequential(*[Block(width, d) for d in config.dilations])
        self.drop = nn.Dropout(config.dropout)
        self.head = nn.Sequential(
            ChannelNorm(width), nn.GELU(), nn.Conv1d(width, config.classes, 1)
        )
        self.reach = 2 * sum(config.dilations) + 2  # frames that one frame hears on either side
        self.register_buffer("mean", torch.zeros(config.classes))
        self.register_buffer("deviation", torch.ones(config.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Activations in units of their standard deviation."""
        return self.head(self.drop(self.blocks(self.stem(x))))

    def activations(self, x: Tensor) -> Tensor:
        """Class activations ``(b, c, f)``: about 0 to 1, summing to about one."""
        return self(x) * self.deviation[:, None] + self.mean[:, None]

    @torch.inference_mode()
    def hear(self, rows: Tensor, statistics: Statistics, block: int = 1500) -> Tensor:
        """Activations ``(f, c)`` of log10 mel power ``(4 f, m)`` of any length, in blocks.

        Every block hears ``reach`` frames beyond its ends, so there are no joints.
        """
        frames = len(rows) // ROWS
        heard = []
        for first in range(0, frames, block):
            start, stop = max(0, first - self.reach), min(frames, first + block + self.reach)
            power = 10 ** rows[ROWS * start : ROWS * stop].float()
            found = self.activations(normalise(power.T[None], statistics))[0]
            heard.append(found[:, first - start :][:, :block])
        return torch.cat(heard, 1).T
