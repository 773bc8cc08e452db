"""A portrait and the motion of its mesh in, pictures of the talking portrait out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from lipkit.models.parts import vae
from lipkit.models.parts.noise_levels import scheduler
from lipkit.models.parts.spool import Spool
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

    def __len__(self) -> int:
        return len(self.poses)

    def part(self, rows: list[int]) -> Performance:
        """Some frames of it."""
        return Performance(self.offsets[rows], self.poses[rows])


class Kept(Protocol):
    """A performance that need not be in memory."""

    def __len__(self) -> int: ...

    def part(self, rows: list[int]) -> Performance:
        """Some frames of it."""
        ...


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
        audio: Kept,
        controls: None,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """Pictures ``(f, 3, r, r)`` in -1..1, a window's worth at a time.

        All frames are denoised together, and wait in a file: 30 seconds are 120 MB at 512 pixels.
        Noise is drawn frame by frame, so that a longer clip begins with a shorter one's.
        """
        for some in self.latents(portrait, audio, sampling, generator):
            yield self.decode(some)

    @torch.inference_mode()
    def latents(
        self,
        portrait: Sitter,
        audio: Kept,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)``."""
        pixels = self._here(portrait.pixels[None])
        reference = vae.encode(self.vae, pixels)
        context = self._here(view(self.beholder, pixels))
        small = self.side // LATENT
        latents = Spool(len(audio), (self.model.config.vae.latents, small, small))
        for row in range(len(audio)):
            latents.write([row], torch.randn((1, *latents.shape), generator=generator))
        predict = LongDenoiser(
            self.model.backbone,
            self.model.remember(reference, context),
            context,
            lambda rows: self.model.guider(
                self.drawn(self.points(portrait.head, audio.part(rows)))
            ),
            windows(sampling),
            sampling.guidance,
        )
        predict.denoise(latents, scheduler(self.model.config.diffusion, sampling.steps))
        for rows in torch.arange(len(audio)).split(sampling.window):
            yield torch.from_numpy(latents.read(rows.tolist())).to(reference)

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
