"""JoyVASA's denoiser: a decoder whose frames each hear their own frame of audio."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lipkit.models.vasa.joyvasa.config import DenoiserConfig


class Denoiser(nn.Module):
    """Clean motion, or its noise, out of noisy motion, audio and the window before."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.time = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.enter = nn.Linear(config.channels + config.indicator, width)
        layer = nn.TransformerDecoderLayer(
            width, config.heads, config.growth * width, activation="gelu", batch_first=True
        )
        self.transformer = nn.TransformerDecoder(layer, config.layers)
        self.leave = nn.Sequential(
            nn.Linear(width, width // 2), nn.GELU(), nn.Linear(width // 2, config.channels)
        )

    @property
    def deaf(self) -> Tensor | None:
        """Which audio frames ``(f, a)`` a frame may not hear; None if it hears all."""
        if self.config.reach < 1:
            return None
        frames = torch.arange(self.config.context + self.config.window)
        return (frames[:, None] - frames).abs() >= self.config.reach

    def timed(self, step: Tensor) -> Tensor:
        """Embeddings ``(b, d)`` of diffusion steps ``(b,)``."""
        return self.time(waves(step.to(self.enter.weight), self.config.width))

    def entered(self, motion: Tensor, context: Tensor, indicator: Tensor | None = None) -> Tensor:
        """Tokens ``(b, f, d)`` of context and motion at their places.

        ``indicator (b, w)`` is 1 for frames and 0 for padding; context is told as 0.
        """
        frames = torch.cat([context, motion], 1)
        if self.config.indicator:
            known = torch.ones_like(motion[..., 0]) if indicator is None else indicator
            told = torch.cat([torch.zeros_like(context[..., 0]), known], 1)
            frames = torch.cat([frames, told[..., None]], 2)
        count = frames.shape[1]
        rows = torch.arange(count, device=frames.device)
        if self.config.positions == "legacy":
            rows = torch.full_like(rows, count)
        return self.enter(frames) + waves(rows.to(frames), self.config.width)

    def forward(
        self,
        motion: Tensor,
        audio: Tensor,
        context: Tensor,
        context_audio: Tensor,
        step: Tensor,
        indicator: Tensor | None = None,
    ) -> Tensor:
        """What is predicted ``(b, k + w, c)`` for the context's frames and the window's.

        Noisy ``motion (b, w, c)`` at ``step (b,)`` with ``audio (b, w, d)``; ``context (b, k, c)``
        with ``context_audio (b, k, d)``.
        """
        tokens = self.entered(motion, context, indicator) + self.timed(step)[:, None]
        deaf = self.deaf
        heard = torch.cat([context_audio, audio], 1)
        mask = None if deaf is None else deaf.to(tokens.device)
        return self.leave(self.transformer(tokens, heard, memory_mask=mask))


def waves(places: Tensor, width: int) -> Tensor:
    """Sines and cosines in turn ``(n, d)`` of ``places (n,)`` (Vaswani et al. 2017, 3.5)."""
    even = torch.arange(0, width, 2, device=places.device, dtype=places.dtype)
    angles = places[:, None] * torch.exp(even * (-math.log(10000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
