"""Faces as the network's autoencoder sees them, and what it draws as pictures."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from lipkit.models.parts import vae


def halved(faces: Tensor) -> Tensor:
    """Faces ``(n, 3, h, w)`` in -1..1 whose lower half is black."""
    upper = faces.clone()
    upper[..., faces.shape[-2] // 2 :, :] = -1
    return upper


def both(
    autoencoder: AutoencoderKL,
    faces: Tensor,
    draws: tuple[Tensor, Tensor] | None = None,
    others: Tensor | None = None,
) -> Tensor:
    """What the UNet sees ``(n, 8, h/8, w/8)`` of ``faces (n, 3, h, w)``: without and with mouths.

    Mouths are those of ``others``, other faces of the same people, where there are any. ``draws``
    are noise for the posteriors of the halved and of the whole faces; means without.
    """
    first, second = draws or (None, None)
    halves = vae.encode(autoencoder, halved(faces), first)
    whole = faces if others is None else others
    return torch.cat([halves, vae.encode(autoencoder, whole, second)], 1)


def drawn(autoencoder: AutoencoderKL, latents: Tensor, at_once: int | None = None) -> Tensor:
    """Faces ``(n, 3, h, w)`` about -1..1 of the UNet's ``latents (n, 4, h/8, w/8)``.

    How many are decoded ``at_once`` changes the last bits; None is what the device does best.
    """
    factor = 1 / autoencoder.config.scaling_factor  # dividing would round otherwise

    def some(first: int, last: int) -> Tensor:
        part = factor * latents[first:last]
        return autoencoder.decode(part.to(autoencoder.dtype)).sample.float()

    size = at_once or vae.AT_ONCE.get(latents.device.type, 1)
    return vae.in_parts(some, len(latents), size)


def unit(faces: Tensor) -> Tensor:
    """Faces in -1..1 of 8-bit ones ``(n, h, w, 3)`` as ``(n, 3, h, w)``."""
    return faces.permute(0, 3, 1, 2).float() / 127.5 - 1


def eight_bit(faces: Tensor) -> Tensor:
    """Faces ``(n, h, w, 3)`` in 8 bits of ``(n, 3, h, w)`` in -1..1."""
    levels = (faces / 2 + 0.5).clamp(0, 1) * 255
    return levels.round().to(torch.uint8).permute(0, 2, 3, 1)
