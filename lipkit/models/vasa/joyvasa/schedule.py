"""JoyVASA's diffusion: schedules, and ancestral sampling over all of their steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST, LAST = 1e-4, 0.02  # betas of the schedules but the cosine one

# What is predicted (b, w, c) for motion (b, w, c) at a step.
Predictor = Callable[[Tensor, int], Tensor]
# Noise of the shape of a tensor for a step, counted down to 2.
Noise = Callable[[Tensor, int], Tensor]


def cosine(steps: int) -> Tensor:
    """Betas of Nichol and Dhariwal (2021), eq. 17."""
    share = torch.cos((torch.arange(steps + 1) / steps + 0.008) / 1.008 * (math.pi / 2)) ** 2
    share = share / share[0]
    return (1 - share[1:] / share[:-1]).clamp(1e-4, 0.999)


BETAS: dict[str, Callable[[int], Tensor]] = {
    "cosine": cosine,
    "linear": lambda n: torch.linspace(FIRST, LAST, n),
    "quadratic": lambda n: torch.linspace(FIRST**0.5, LAST**0.5, n) ** 2,
    "sigmoid": lambda n: torch.linspace(-5, 5, n).sigmoid() * (LAST - FIRST) + FIRST,
}


@dataclass(frozen=True)
class Schedule:
    """Noise by step, ``(steps + 1,)`` each: step 0 is clean."""

    betas: Tensor

    @classmethod
    def of(cls, name: str, steps: int) -> Schedule:
        """The schedule of that name."""
        return cls(torch.cat([torch.zeros(1), BETAS[name](steps)]))

    @property
    def alphas(self) -> Tensor:
        """What a step leaves of the signal's power."""
        return 1 - self.betas

    @property
    def alpha_bars(self) -> Tensor:
        """What all steps so far leave of it."""
        return self.alphas.log().cumsum(0).exp()

    @property
    def full_sigmas(self) -> Tensor:
        """Deviations of the noise that a step adds."""
        return self.betas.sqrt()

    @property
    def posterior_sigmas(self) -> Tensor:
        """Deviations of a step back when the clean signal is known."""
        left = self.alpha_bars
        inner = (1 - left[:-1]) / (1 - left[1:]) * self.betas[1:]
        return torch.cat([torch.zeros(1), inner.sqrt()])

    def sigmas(self, flexibility: float) -> Tensor:
        """Deviations between the posterior's, at 0, and those of the noise added, at 1."""
        return flexibility * self.full_sigmas + (1 - flexibility) * self.posterior_sigmas


def noised(x: Tensor, noise: Tensor, schedule: Schedule, step: Tensor) -> Tensor:
    """``x (b, ...)`` after ``step (b,)`` steps."""
    share = schedule.alpha_bars.to(x.device)[step].view(-1, *[1] * (x.dim() - 1))
    return share.sqrt() * x + (1 - share).sqrt() * noise


def ancestral(
    predict: Predictor,
    start: Tensor,
    schedule: Schedule,
    noise: Noise,
    *,
    target: str = "sample",
    flexibility: float = 0.0,
) -> Iterator[Tensor]:
    """The state after every step back from ``start (b, w, c)``, the last one clean.

    Ho et al., "Denoising Diffusion Probabilistic Models" (2020), eq. 7 and algorithm 2.
    """
    alphas, bars, sigmas = schedule.alphas, schedule.alpha_bars, schedule.sigmas(flexibility)
    x = start
    for step in range(len(alphas) - 1, 0, -1):
        found, a, bar, before = predict(x, step), alphas[step], bars[step], bars[step - 1]
        if target == "sample":
            own, other = (1 - before) * a.sqrt() / (1 - bar), (1 - a) * before.sqrt() / (1 - bar)
            x = own * x + other * found
        else:
            x = (x - (1 - a) / (1 - bar).sqrt() * found) / a.sqrt()
        if step > 1:
            x = x + sigmas[step] * noise(x, step)
        yield x
