"""A portrait and the motion of its mesh in, pictures of the talking portrait out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from lipkit.models.parts import vae
from lipkit.models.parts.denoising import denoise
from lipkit.models.parts.noise_levels import scheduler
from lipkit.models.vlogger import pose
from lipkit.models.vlogger.aniportrait.config import LATENT, SamplingConfig
from lipkit.models.vlogger.aniportrait.denoiser import LongDenoiser
from lipkit.models.vlogger.aniportrait.drawing import draw
from lipkit.models.vlogger.aniportrait.model import AniPortrait
from lipkit.models.vlogger.aniportrait.overlap import Windows
from lipkit.models.vlogger.aniportrait.sight import view
from lipkit.models.vlogger.head import Head

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sitter:
    """A portrait as the networks see it."""

    pixels: Tensor  # (3, r, r) in -1..1
    head: Head


@dataclass(frozen=True, eq=False)
class Performance:
    """What a head does: how far each vertex is from where the portrait has it, and poses."""

    offsets: Array  # (f, 468, 3) cm in the head's frame
    poses: Array  # (f, 6) against the portrait's, see `pose`


class AniPortraitAnimator:
    """An ``Animator`` of portraits: AniPortrait's inference.

    The networks are in eval mode and on one device.
    """

    def __init__(
        self,
        model: AniPortrait,
        autoencoder: AutoencoderKL,
        beholder: CLIPVisionModelWithProjection,
    ) -> None:
        self.model, self.vae, self.beholder = model, autoencoder, beholder
        self.side = model.config.resolution

    def animate(
        self,
        portrait: Sitter,
        audio: Performance,
        controls: None,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """Pictures ``(f, 3, r, r)`` in -1..1, a window's worth at a time.

        All frames are denoised together; 30 seconds are 60 MB of latents at 512 pixels. Noise is
        drawn frame by frame, so that a longer clip begins with the noise of a shorter one.
        """
        latents = self.latents(portrait, audio, sampling, generator)
        for some in latents.split(sampling.window):
            yield self.decode(some)

    @torch.inference_mode()
    def latents(
        self,
        portrait: Sitter,
        audio: Performance,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Tensor:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)``."""
        pixels = self._here(portrait.pixels[None])
        reference = vae.encode(self.vae, pixels)
        context = self._here(view(self.beholder, pixels))
        points = self.points(portrait.head, audio)
        small = self.side // LATENT
        shape = (self.model.config.vae.latents, small, small)
        drawn = [torch.randn(shape, generator=generator) for _ in range(len(points))]
        noise = torch.stack(drawn, 1)[None].to(reference)
        predict = LongDenoiser(
            self.model.backbone,
            self.model.remember(reference, context),
            context,
            lambda rows: self.model.guider(self.drawn(points[rows])),
            windows(sampling),
            sampling.guidance,
        )
        steps = scheduler(self.model.config.diffusion, sampling.steps)
        latents = noise
        for latents in denoise(predict, noise, steps):  # noqa: B007 -- the last one counts
            pass
        return latents[0].transpose(0, 1)

    def points(self, head: Head, audio: Performance) -> Array:
        """Where the mesh is seen ``(f, 468, 2)``, in shares of the picture."""
        matrices = head.matrix @ pose.matrices(audio.poses)
        seen = pose.project(head.mesh + audio.offsets, matrices, (self.side, self.side))
        return seen / self.side

    def drawn(self, points: Array) -> Tensor:
        """Drawn poses ``(1, 3, f, r, r)`` of points ``(f, 468, 2)`` as the guider knows them."""
        pictures = np.stack([draw(each, (self.side, self.side)) for each in points])
        return self.model.guider.pixels(self._here(torch.from_numpy(pictures).movedim(3, 0)[None]))

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Pictures ``(n, 3, r, r)`` in -1..1 of latents ``(n, 4, h, w)``, one at a time."""
        return vae.pictures_of(self.vae, latents)

    def _here(self, tensor: Tensor) -> Tensor:
        backbone = self.model.backbone
        return tensor.to(backbone.device, backbone.dtype)


def windows(sampling: SamplingConfig) -> Windows:
    """How windows lie over a clip."""
    around = sampling.last == "around"
    return Windows(sampling.window, sampling.overlap, closed=around, inside=not around)
