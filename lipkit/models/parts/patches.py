"""A linear autoencoder of square patches, by principal components: for toys.

Stable Diffusion's takes longer to train than all that a toy is made to show. This one is fitted in
a second, and stands wherever that one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Certain:
    """A posterior without spread."""

    mean: Tensor  # (b, c, h, w)

    @property
    def std(self) -> Tensor:
        """Zeros."""
        return torch.zeros_like(self.mean)

    def kl(self) -> Tensor:
        """Nothing ``(b,)``: there is no noise to weigh."""
        return self.mean.new_zeros(len(self.mean))


class Patches(nn.Module):
    """Patches of ``cell * cell`` pixels as ``latents`` numbers, and back.

    The interface is that of diffusers' ``AutoencoderKL``.
    """

    def __init__(self, cell: int, latents: int, scale: float) -> None:
        super().__init__()
        self.cell = cell
        self.config = SimpleNamespace(scaling_factor=scale, latent_channels=latents)
        inputs = 3 * cell * cell
        self.mean = nn.Parameter(torch.zeros(inputs))
        self.inward = nn.Parameter(torch.randn(latents, inputs) / inputs**0.5)
        self.outward = nn.Parameter(self.inward.detach().T.clone())

    @property
    def dtype(self) -> torch.dtype:
        """The number type of the weights."""
        return self.mean.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.mean.device

    @torch.no_grad()
    def fit(self, pictures: Tensor) -> None:
        """Take over the principal components of the patches of ``pictures (n, 3, h, w)``.

        Latents have unit variance in the mean. Strong components keep a part of their lead: the
        square root of their deviation.
        """
        rows = functional.pixel_unshuffle(pictures, self.cell).movedim(1, -1).flatten(0, -2)
        mean = rows.mean(0)
        covariance = torch.cov((rows - mean).T.double())
        values, axes = torch.linalg.eigh(covariance)
        count = len(self.inward)
        spread = values.flip(0)[:count].clamp_min(1e-8).sqrt()
        axes = axes.flip(1)[:, :count].T.to(rows)
        gain = (spread.mean() / spread).sqrt() / spread.mean()
        gain = (gain * (count / (gain * spread).square().sum()).sqrt()).to(rows)
        self.mean.copy_(mean)
        self.inward.copy_(axes * gain[:, None])
        self.outward.copy_((axes / gain[:, None]).T)

    def encode(self, pictures: Tensor) -> SimpleNamespace:
        """Latents ``(n, c, h / cell, w / cell)`` as a posterior."""
        rows = functional.pixel_unshuffle(pictures, self.cell).movedim(1, -1)
        latents = functional.linear(rows - self.mean, self.inward).movedim(-1, 1)
        return SimpleNamespace(latent_dist=Certain(latents))

    def decode(self, latents: Tensor) -> SimpleNamespace:
        """Pictures ``(n, 3, h, w)`` of latents."""
        rows = functional.linear(latents.movedim(1, -1), self.outward, self.mean)
        return SimpleNamespace(sample=functional.pixel_shuffle(rows.movedim(-1, 1), self.cell))
