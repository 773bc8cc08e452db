"""Noise to latents: schedules of diffusers, and a loop that knows only a predictor of noise.

Stable Diffusion's schedule: 1000 steps, betas linear in their square roots.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor

# The noise in latents (b, c, f, h, w) at a time step, which is the n-th to be asked for; or what
# else the schedule takes.
Predictor = Callable[[Tensor, int, int], Tensor]

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SPACING = {"timestep_spacing": "leading", "steps_offset": 1}
SCHEDULES: dict[str, Callable[..., Any]] = {
    # The step before the first ends at the first alpha, not at one: so the weights were used.
    "ddim": lambda **given: DDIMScheduler(
        **BETAS, **SPACING, clip_sample=False, set_alpha_to_one=False, **given
    ),
    "dpm++": lambda **given: DPMSolverMultistepScheduler(**BETAS, **SPACING, **given),
}


def schedule(name: str, steps: int, prediction: str = "epsilon") -> Any:
    """A fresh scheduler for so many steps; solvers remember steps, so take one for each clip."""
    scheduler = SCHEDULES[name](prediction_type=prediction)
    with warnings.catch_warnings():  # the solver hands tensors to numpy in a way of old
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        scheduler.set_timesteps(steps)
    return scheduler


def denoise(predict: Predictor, noise: Tensor, scheduler: Any) -> Iterator[Tensor]:
    """The latents after each step, beginning from ``noise (b, c, f, h, w)``."""
    latents = noise * scheduler.init_noise_sigma
    for step, time in enumerate(scheduler.timesteps.tolist()):
        predicted = predict(scheduler.scale_model_input(latents, time), time, step)
        latents = scheduler.step(predicted, time, latents).prev_sample
        yield latents


def mixed_noise(shared: Tensor, own: Tensor | None, alpha: float = 1.0) -> Tensor:
    """Noise for clips ``(b, c, f, h, w)`` whose frames have a part in common.

    Ge et al., "Preserve Your Own Correlation" (2023), section 4.1. ``shared`` lends its first
    frame; without ``own`` noise all frames are that one.
    """
    common = shared[:, :, :1].expand_as(shared)
    if own is None:
        return common.clone()
    total = 1 + alpha**2
    return (alpha**2 / total) ** 0.5 * common + (1 / total) ** 0.5 * own
