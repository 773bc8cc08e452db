"""Diffusion with x0 prediction: schedule, noising, and a DDIM sampler that knows only a denoiser.

diffusers has the same sampler; importing it costs seconds at every start of a command that needs
forty lines of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]  # (x_t (b, ...), t (b,)) -> x_0 (b, ...)


def cosine_schedule(steps: int) -> Tensor:
    """Signal shares alpha-bar ``(steps,)``, from nearly 1 to nearly 0.

    Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021), eq. 17.
    """
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - betas, 0).float()


def noised(x: Tensor, noise: Tensor, alpha_bar: Tensor, t: Tensor) -> Tensor:
    """``x (b, ...)`` after ``t (b,)`` steps of diffusion."""
    share = alpha_bar[t].view(-1, *[1] * (x.dim() - 1))
    return share.sqrt() * x + (1 - share).sqrt() * noise


def ddim(denoise: Denoiser, noise: Tensor, alpha_bar: Tensor, steps: int) -> Tensor:
    """A sample of the shape of ``noise (b, ...)`` in so many steps.

    Song et al., "Denoising Diffusion Implicit Models" (2021), eq. 12 with sigma 0; steps lie
    evenly and end at t = 0.
    """
    times = torch.linspace(len(alpha_bar) - 1, 0, steps + 1, dtype=torch.float64)[:-1].long()
    x = noise
    for i, t in enumerate(times.tolist()):
        x0 = denoise(x, torch.full((len(x),), t, dtype=torch.long, device=x.device))
        if i == steps - 1:
            return x0
        share, following = alpha_bar[t], alpha_bar[times[i + 1]]
        residual = (x - share.sqrt() * x0) / (1 - share).sqrt()
        x = following.sqrt() * x0 + (1 - following).sqrt() * residual
    return x


def guided(full: Tensor, without: Sequence[tuple[float, Tensor]]) -> Tensor:
    """Classifier-free guidance on several conditions (VASA-1, section 3.2).

    ``(1 + sum l_c) H(C) - sum l_c H(C without c)`` over pairs ``(l_c, H(C without c))``.
    """
    result = full
    for weight, other in without:
        result = result + weight * (full - other)
    return result
