"""What EMO is trained for: a step's noise, what guides the backbone, how errors count.

arXiv:2402.17485, section 3.3; noise and weights of errors after Hallo's training code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from lipkit.models.emo.backbone import Guide
from lipkit.models.emo.config import Drops, FirstClip, ModelConfig, TrainConfig
from lipkit.models.emo.model import Emo
from lipkit.models.parts.audio_attention import Voice, without
from lipkit.models.parts.noise_levels import (
    min_snr_weight,
    scheduler,
    signal_to_noise,
    target_of,
    weighted,
)
from lipkit.models.parts.reference import Bank, Reading, spread

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Lacking:
    """What a batch does without."""

    reference: bool = False
    audio: bool = False
    past: bool = False
    region: bool = False
    bank: bool = False  # no bank at all, which takes the frames before along

    @classmethod
    def drawn(cls, drops: Drops) -> Lacking:
        """By torch's generator, one coin each."""
        coins = torch.rand(4).tolist()
        bare = coins[3] < drops.guides
        reference = coins[0] < drops.reference or bare
        return cls(
            reference=reference,
            audio=coins[1] < drops.audio or bare,
            past=coins[2] < drops.past,
            region=bare,
            bank=reference and drops.bank,
        )


def encoded(autoencoder: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Latents ``(b, f, c, h, w)`` of ``pictures (b, f, 3, r, r)`` uint8, drawn from posteriors."""
    flat = pictures.flatten(0, 1).float() / 127.5 - 1
    with torch.no_grad():
        posterior = autoencoder.encode(flat.to(autoencoder.dtype)).latent_dist
        noise = torch.randn(posterior.mean.shape).to(posterior.mean)
        latents = (posterior.mean + posterior.std * noise) * autoencoder.config.scaling_factor
    return latents.float().unflatten(0, pictures.shape[:2])


def guide_of(
    model: Emo,
    autoencoder: AutoencoderKL,
    batch: Batch,
    lacking: Lacking = Lacking(),
    *,
    start: FirstClip = "zero_features",
    with_speed: bool = False,
) -> Guide:
    """What guides the backbone through a batch of `material.portraits` or `material.clips`.

    ``start`` is what stands before clips that lack a past.
    """
    count, frames = batch["target"].shape[:2]
    still = "heard" not in batch
    context = None
    if model.identity is not None:
        known = batch["embedding"]
        context = model.identity(torch.zeros_like(known) if lacking.reference else known)
    pictures = [encoded(autoencoder, batch["reference"])]
    silent_past = still or (lacking.past and start == "zero_features")
    if not silent_past:
        pictures.append(before(model, autoencoder, batch, pictures[0], lacking.past, start))
    bank: Bank = {} if lacking.bank else model.remember(torch.cat(pictures, 1), context)
    owner = spread(count, frames, model.config.reference.spread)
    face = model.whereabouts(region_of(batch), frames)
    return Guide(
        reading=Reading(bank, owner, len(owner) if lacking.reference else 0),
        samples=torch.arange(count),
        voice=None if still else voice_of(model, batch, silent=lacking.audio),
        context=context,
        face=torch.zeros_like(face) if lacking.region else face,
        speed=model.speed(batch["velocity"]) if with_speed and model.speed is not None else None,
        silent_past=silent_past,
        still=still,
    )


def before(
    model: Emo,
    autoencoder: AutoencoderKL,
    batch: Batch,
    reference: Tensor,
    first: bool,
    start: FirstClip,
) -> Tensor:
    """Latents ``(b, n, 4, h, w)`` of the frames before, or of what stands for them at a start."""
    past = batch["past"]
    if not first:
        return encoded(autoencoder, past)
    if start == "copies":
        return reference.expand(-1, past.shape[1], -1, -1, -1)
    return encoded(autoencoder, torch.full_like(past, 127.5, dtype=torch.float32))


def region_of(batch: Batch) -> Tensor:
    """Where the face may be ``(b, 3, r, r)`` in 0..1."""
    return (batch["face"].float() / 255)[:, None].expand(-1, 3, -1, -1)


def voice_of(model: Emo, batch: Batch, *, silent: bool) -> Voice:
    """What the frames of a batch hear, and which parts of the face do."""
    heard = batch["heard"]
    tokens = model.hearing(heard.flatten(2)).flatten(0, 1)
    masks = []
    if "masks" in batch:
        form, rows = model.config, batch["masks"].repeat_interleave(heard.shape[1], 0)
        sizes = [(-(-form.side // 2**k)) ** 2 for k in range(len(form.unet.widths))]
        masks = [list(part.split(sizes, 1)) for part in rows.unbind(1)]
    voice = Voice(tokens, masks)
    return without(voice) if silent else voice


def error_of(
    model: Emo, clean: Tensor, guide: Guide, counts: Tensor, config: TrainConfig
) -> Tensor:
    """The squared error of the prediction for noised latents ``clean (b, 4, f, h, w)``.

    ``counts (b, 1, 1, h, w)`` says how much each place counts.
    """
    form = model.config.diffusion
    schedule = scheduler(form)
    times = torch.randint(schedule.config.num_train_timesteps, (len(clean),)).to(clean.device)
    noise = torch.randn(clean.shape)
    if config.offset:
        noise = noise + config.offset * torch.randn(*clean.shape[:2], 1, 1, 1)
    noise = noise.to(clean)
    noisy = schedule.add_noise(clean, noise, times)
    target = target_of(form, schedule, clean, noise, times)
    predicted = model.backbone(noisy, times, guide).float()
    weights = torch.ones(len(clean), device=clean.device)
    if config.gamma:
        ratio = signal_to_noise(schedule.alphas_cumprod, times)
        weights = min_snr_weight(ratio, config.gamma, form.prediction)
    share = counts.sqrt()
    collapsed = config.collapsed and guide.voice is not None
    return weighted(predicted * share, target * share, weights, collapsed=collapsed)


def counting(batch: Batch, form: ModelConfig, config: TrainConfig) -> Tensor:
    """How much errors at each latent count ``(b, 1, 1, h, w)``; 1 in the mean."""
    face, lips = (
        functional.interpolate(batch[part][:, None].float() / 255, form.side, mode="area")
        for part in ("face", "lips")
    )
    counts = 1 + (config.face - 1) * face + (config.lips - 1) * lips
    return (counts / counts.mean((2, 3), keepdim=True))[:, :, None]
