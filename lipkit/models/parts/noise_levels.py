"""Noise levels: the schedules of training and of sampling, targets, and weights by noise level."""

from __future__ import annotations

from typing import Any

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor

from lipkit.models.parts.diffusion_config import DiffusionConfig

BETAS = (0.00085, 0.012)


def scheduler(form: DiffusionConfig, steps: int | None = None) -> Any:
    """The schedule of training, or the one of sampling in so many steps."""
    made = DDIMScheduler(
        beta_start=BETAS[0],
        beta_end=BETAS[1],
        beta_schedule=form.train_betas if steps is None else form.betas,
        prediction_type=form.prediction,
        rescale_betas_zero_snr=form.zero_snr,
        timestep_spacing=form.spacing,
        steps_offset=1,
        clip_sample=False,
    )
    if steps is not None:
        made.set_timesteps(steps)
    return made


def signal_to_noise(alphas: Tensor, times: Tensor) -> Tensor:
    """Signal to noise ratios ``(b,)`` at ``times (b,)``, from cumulated ``alphas``."""
    share = alphas.to(times.device)[times]
    return (share.sqrt() / (1 - share).sqrt()).square()


def min_snr_weight(ratio: Tensor, gamma: float, prediction: str) -> Tensor:
    """How much each noise level counts ``(b,)``: Hang et al., "Min-SNR Weighting" (2023)."""
    if prediction == "v_prediction":  # one more, as v has a share of the signal
        return (ratio + 1).clamp(max=gamma) / (ratio + 1)
    return ratio.clamp(max=gamma) / ratio


def weighted(predicted: Tensor, target: Tensor, weights: Tensor, *, collapsed: bool) -> Tensor:
    """The squared error ``(b, ...)`` with a weight for each sample.

    ``collapsed`` takes the mean before weighing, as Hallo's second stage does: its weights then
    scale a batch, not samples.
    """
    error = (predicted.float() - target.float()).square().flatten(1).mean(1)
    return (error.mean() if collapsed else error).mul(weights).mean()


def target_of(form: DiffusionConfig, made: Any, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """What a UNet should predict for ``clean (b, ...)`` with ``noise`` at times ``t``."""
    if form.prediction == "epsilon":
        return noise
    target: Tensor = made.get_velocity(clean, noise, t)
    return target
