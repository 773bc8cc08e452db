"""Diffusion with x0 prediction: schedule, noising, and a DDIM sampler that knows only a denoiser.

diffusers has the same sampler; importing it costs seconds at every start of a command that needs
forty lines of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]  # (x_t (b, ...), t (b,)) -> x_0 (b, ...)
Hold = Callable[[Tensor, Tensor], Tensor]  # (x_t (b, ...), share of signal ()) -> the same
Prediction = Literal["epsilon", "v_prediction", "sample"]


def cosine_schedule(steps: int) -> Tensor:
    """Signal shares alpha-bar ``(steps,)``, from nearly 1 to nearly 0.

    Nichol and Dhariwal, "Improved Denoising Diffusion Probabilistic Models" (2021), eq. 17.
    """
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - betas, 0).float()


def share_of(alpha_bar: Tensor, t: Tensor, like: Tensor) -> Tensor:
    """The signal's share ``(b, 1, ...)`` after ``t (b,)`` steps, of the dimensions of ``like``."""
    share = alpha_bar.to(like.device, torch.float32)[t.to(like.device)]
    return share.view(-1, *[1] * (like.dim() - 1))


def noised(x: Tensor, noise: Tensor, alpha_bar: Tensor, t: Tensor) -> Tensor:
    """``x (b, ...)`` after ``t (b,)`` steps of diffusion."""
    share = share_of(alpha_bar, t, x)
    return share.sqrt() * x + (1 - share).sqrt() * noise


def ddim(
    denoise: Denoiser,
    noise: Tensor,
    alpha_bar: Tensor,
    steps: int,
    *,
    eta: float = 0.0,
    generator: torch.Generator | None = None,
    hold: Hold | None = None,
) -> Tensor:
    """A sample of the shape of ``noise (b, ...)`` in so many steps.

    Song et al., "Denoising Diffusion Implicit Models" (2021), eq. 12; steps lie evenly and end at
    t = 0. ``eta`` scales their sigma: 0 draws no noise on the way, 1 as much as DDPM does.
    ``hold(x, share)`` puts what is known into a noisy sample that has this ``share`` of signal, and
    into the result, where it is 1.
    """
    times = torch.linspace(len(alpha_bar) - 1, 0, steps + 1, dtype=torch.float64)[:-1].long()
    x = noise
    for i, t in enumerate(times.tolist()):
        share = alpha_bar[t]
        if hold is not None:
            x = hold(x, share)
        x0 = denoise(x, torch.full((len(x),), t, dtype=torch.long, device=x.device))
        if i == steps - 1:
            return x0 if hold is None else hold(x0, torch.ones(()))
        following = alpha_bar[times[i + 1]]
        residual = (x - share.sqrt() * x0) / (1 - share).sqrt()
        sigma = eta * ((1 - following) / (1 - share) * (1 - share / following)).sqrt()
        x = following.sqrt() * x0 + (1 - following - sigma**2).clamp_min(0).sqrt() * residual
        if eta > 0:
            x = x + sigma * fresh(x, generator)
    return x


def fresh(like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Noise in the shape of a tensor, drawn on the CPU so that it is the same everywhere."""
    return torch.randn(like.shape, generator=generator).to(like)


def keeping(known: Tensor, mask: Tensor, generator: torch.Generator | None = None) -> Hold:
    """Holds a sample at ``known`` where ``mask`` is 1: what is around it is filled in.

    Lugmayr et al., "RePaint" (2022), eq. 8, without its going back and forth.
    """

    def hold(x: Tensor, share: Tensor) -> Tensor:
        noisy = share.sqrt() * known
        if share < 1:
            noisy = noisy + (1 - share).sqrt() * fresh(known, generator)
        return torch.where(mask > 0, noisy, x)

    return hold


def target_of(kind: Prediction, clean: Tensor, noise: Tensor, share: Tensor) -> Tensor:
    """What a network of that kind should predict for ``clean`` with ``noise``.

    ``share`` is of the signal, and of the tensors' dimensions.
    """
    if kind == "epsilon":
        return noise
    return clean if kind == "sample" else share.sqrt() * noise - (1 - share).sqrt() * clean


def clean_of(kind: Prediction, predicted: Tensor, x: Tensor, share: Tensor) -> Tensor:
    """The clean sample that a prediction for ``x`` means; the other way round."""
    if kind == "sample":
        return predicted
    if kind == "epsilon":
        return (x - (1 - share).sqrt() * predicted) / share.sqrt().clamp_min(1e-4)
    return share.sqrt() * x - (1 - share).sqrt() * predicted


def guided(full: Tensor, without: Sequence[tuple[float, Tensor]]) -> Tensor:
    """Classifier-free guidance on several conditions (VASA-1, section 3.2).

    ``(1 + sum l_c) H(C) - sum l_c H(C without c)`` over pairs ``(l_c, H(C without c))``.
    """
    result = full
    for weight, other in without:
        result = result + weight * (full - other)
    return result
