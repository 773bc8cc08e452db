"""What LatentSync is trained for: a step's noise, its prediction, and the terms of its loss.

arXiv:2412.09262, section 3, after the official ``scripts/train_unet.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from torch.nn import functional

from lipkit.losses.agreement import disagreement, lips_of
from lipkit.losses.perception import lower_half_distance
from lipkit.losses.tempo import SIDE, tempo_distance
from lipkit.models.latentsync.config import Weighing
from lipkit.models.latentsync.convert import official
from lipkit.models.parts import vae
from lipkit.models.parts.denoising import mixed_noise, schedule
from lipkit.models.parts.motion import unfold
from lipkit.models.parts.sampling import Prediction, clean_of, noised, share_of, target_of
from lipkit.models.parts.video_unet import VideoUNet


@dataclass(frozen=True)
class Sample:
    """Clips to learn from: ``target`` and ``reference (b, f, 3, r, r)`` in -1..1 of one person.

    ``audio (b, f, t, d)`` are windows, ``mel (b, 1, 80, t)`` is SyncNet's, both of the target.
    """

    target: Tensor
    reference: Tensor
    audio: Tensor
    mel: Tensor | None = None


@dataclass(frozen=True)
class Judges:
    """Frozen networks: the autoencoder, and those that the terms of the loss ask."""

    autoencoder: AutoencoderKL
    syncnet: nn.Module | None = None  # lips and mel to a pair of embeddings
    syncnet_size: int | None = 256  # of the pictures it sees; None: it sees latents
    distance: Callable[[Tensor, Tensor], Tensor] | None = None  # LPIPS
    video: Callable[[Tensor], Tensor] | None = None  # VideoMAE
    video_size: int = SIDE  # of the pictures it sees


class Draw(Protocol):
    """Random numbers of a step, asked for in the order in which the methods stand."""

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Posteriors of target, masked and reference faces, then the shared and the own noise."""
        ...

    def times(self, count: int, steps: int) -> Tensor:
        """Time steps ``(count,)`` below ``steps``, one for each clip."""
        ...


@dataclass(frozen=True)
class Guess:
    """A prediction: what the UNet should have told, what it saw, what it told."""

    wanted: Tensor  # (b, c, f, h, w) as all below; the noise, but for toys
    seen: Tensor
    predicted: Tensor
    latents: Tensor  # the clean ones that it amounts to


def guess(
    unet: VideoUNet,
    autoencoder: AutoencoderKL,
    sample: Sample,
    masks: tuple[Tensor, Tensor],
    draw: Draw,
    alpha: float | None = 1.0,
    prediction: Prediction = "epsilon",
) -> Guess:
    """The UNet's guess at a noised clip; ``masks`` are the pixels' and the latents', 1 keeps.

    ``alpha`` weighs the noise that frames have in common against their own; None: all have one.
    """
    pixels, small = (mask.to(sample.target.device) for mask in masks)
    batch, frames = sample.target.shape[:2]
    faces, reference = sample.target.flatten(0, 1), sample.reference.flatten(0, 1)
    shape = (len(faces), autoencoder.config.latent_channels, *small.shape)
    with torch.no_grad():
        target, masked, whole = (
            unfold(vae.encode(autoencoder, pictures, draw.normal(shape)), frames)
            for pictures in (faces, faces * pixels, reference)
        )
    shared = draw.normal(tuple(target.shape)).to(target.device)
    own = None if alpha is None else draw.normal(tuple(target.shape)).to(target.device)
    noise = mixed_noise(shared, own, alpha or 0.0)
    alphas = schedule("ddim", 1).alphas_cumprod.to(target.device)
    times = draw.times(batch, len(alphas)).to(target.device)
    latents = noised(target, noise, alphas, times)
    keep = small.expand(batch, 1, frames, -1, -1)
    seen = torch.cat([latents, keep, masked, whole], 1)
    predicted = unet(seen, times, sample.audio).float()
    share = share_of(alphas, times, target)
    goal = target_of(prediction, target, noise, share)
    found = clean_of(prediction, predicted, latents, share)
    return Guess(goal, seen, predicted, found)


def terms(made: Guess, sample: Sample, judges: Judges, weighing: Weighing) -> Mapping[str, Tensor]:
    """The terms of the loss by name, not yet weighed."""
    found = {"recon": functional.mse_loss(made.predicted, made.wanted.float())}
    in_pixels = weighing.sync and judges.syncnet_size is not None
    if in_pixels or weighing.lpips or weighing.trepa:
        flat = made.latents.transpose(1, 2).flatten(0, 1)
        drawn = vae.decode(judges.autoencoder, flat).unflatten(0, sample.target.shape[:2])
    if weighing.sync:
        views = lips_of(drawn, judges.syncnet_size) if in_pixels else stacked(made.latents)
        lips, sound = judges.syncnet(views, sample.mel)
        found["sync"] = disagreement(lips, sound, torch.ones(len(lips), device=lips.device)).mean()
    if weighing.lpips:
        pair = (drawn.flatten(0, 1), sample.target.flatten(0, 1))
        found["lpips"] = lower_half_distance(judges.distance, *pair).mean()
    if weighing.trepa:
        pair = (drawn.transpose(1, 2), sample.target.transpose(1, 2))
        found["trepa"] = tempo_distance(judges.video, *pair, judges.video_size)
    return found


def weighed(found: Mapping[str, Tensor], weighing: Weighing) -> dict[str, Tensor]:
    """Each term times its weight."""
    return {name: term * getattr(weighing, name) for name, term in found.items()}


def stacked(latents: Tensor) -> Tensor:
    """What a SyncNet of latents sees ``(b, f * c, h, w)`` of ``latents (b, c, f, h, w)``."""
    return latents.transpose(1, 2).flatten(1, 2)


def trainable(unet: VideoUNet, parts: tuple[str, ...]) -> dict[str, nn.Parameter]:
    """The parameters whose official names hold one of ``parts``, under those names."""
    every = official(dict(unet.named_parameters()))
    return {name: p for name, p in every.items() if any(part in name for part in parts)}
