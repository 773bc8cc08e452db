"""Speech to motion: a causal diffusion transformer (section 3.1)."""

from __future__ import annotations

import torch
from diffusers.models.embeddings import get_timestep_embedding
from torch import Tensor, nn

from lipkit.models.vlogger.config import MotionConfig


class Mover(nn.Module):
    """Predicts clean motion from noisy motion, frame by frame; a frame sees none after it.

    A token is the sum of a frame's motion, what it hears, its place and its noise level. Frames of
    the past are given clean, at noise level 0.
    """

    def __init__(self, form: MotionConfig, channels: int, audio: int) -> None:
        super().__init__()
        width = form.width
        self.form = form
        self.enter = nn.Linear(channels, width)
        self.hear = nn.Sequential(nn.Linear(audio, width), nn.SiLU(), nn.Linear(width, width))
        self.silence = nn.Parameter(0.02 * torch.randn(width))  # where nothing is heard
        self.level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        layer = nn.TransformerEncoderLayer(
            width,
            form.heads,
            form.inner,
            dropout=form.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.layers = nn.TransformerEncoder(
            layer, form.layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.leave = nn.Linear(width, channels)

    def forward(
        self, x: Tensor, times: Tensor, audio: Tensor | None, deaf: Tensor | None = None
    ) -> Tensor:
        """Clean motion ``(b, f, c)`` of ``x (b, f, c)`` at diffusion times ``(b, f)``.

        Hears ``audio (b, f, a)``; None is nothing, and so it is for rows that are ``deaf (b,)``.
        """
        batch, frames, _ = x.shape
        width = self.form.width
        heard = self.silence.expand(batch, frames, -1)
        if audio is not None:
            known = self.hear(audio)
            heard = known if deaf is None else torch.where(deaf[:, None, None], heard, known)
        place = get_timestep_embedding(torch.arange(frames, device=x.device), width)
        level = get_timestep_embedding(times.flatten(), width).unflatten(0, times.shape)
        tokens = self.enter(x) + heard + place.to(x) + self.level(level.to(x))
        later = nn.Transformer.generate_square_subsequent_mask(frames, device=x.device)
        return self.leave(self.layers(tokens, mask=later.to(x.dtype), is_causal=True))
