"""Crops and audio windows in, crops with other lips out, a clip of frames at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.faces.latentsync_pixels import fixed_mask, latent_mask
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.denoiser import KEPT_STEPS, Denoiser
from lipkit.models.parts import vae
from lipkit.models.parts.denoising import denoise, schedule
from lipkit.models.parts.motion import unfold
from lipkit.models.parts.video_unet import VideoUNet
from lipkit.protocols import Features


class Noise(Protocol):
    """Where random numbers come from; drawn in the order in which the methods stand."""

    def initial(self, shape: tuple[int, ...]) -> Tensor:
        """The noise that frames begin from: one frame's, for all frames of a video."""
        ...

    def posterior(self, shape: tuple[int, ...]) -> Tensor:
        """A clip's draw from the autoencoder: of the masked faces, then of the whole ones."""
        ...


class Draws:
    """Noise of generators: one of the video, and one of the clip or else the same one."""

    def __init__(self, video: torch.Generator, clip: torch.Generator | None = None) -> None:
        self.video, self.clip = video, clip or video

    def initial(self, shape: tuple[int, ...]) -> Tensor:
        """See `Noise`."""
        return torch.randn(shape, generator=self.video)

    def posterior(self, shape: tuple[int, ...]) -> Tensor:
        """See `Noise`."""
        return torch.randn(shape, generator=self.clip)


class LatentSyncer:
    """A `Syncer`: LatentSync's inference after ``pipelines/lipsync_pipeline.py``.

    Networks are in eval mode and on one device; they may be of any number type. Without a UNet it
    only finishes what was drawn before.
    """

    def __init__(
        self, unet: VideoUNet | None, autoencoder: AutoencoderKL, form: ModelConfig
    ) -> None:
        self.unet, self.vae, self.form = unet, autoencoder, form
        mask = fixed_mask(form.mask, form.resolution)
        self.mask = torch.from_numpy(mask / 255.0).float()  # (r, r), 1 keeps
        self.latent_mask = latent_mask(mask, form.cell)

    def sync(
        self, crops: Iterable[Tensor], audio: Features, sampling: SamplingConfig, generator: Any
    ) -> Iterator[Tensor]:
        """Crops ``(f, 3, r, r)`` in -1..1 as many as came in, in clips of the model's window.

        ``audio.data (n, t, d)`` is one window a frame; ``generator`` is a torch generator or
        `Noise`. The last clip may be shorter, as in the official code.
        """
        for clip, latents in self.drawn(crops, audio, sampling, generator):
            yield self.finish(latents, clip)

    def draw(
        self, crops: Iterable[Tensor], audio: Features, sampling: SamplingConfig, generator: Any
    ) -> Iterator[Tensor]:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)`` of each clip."""
        for _, latents in self.drawn(crops, audio, sampling, generator):
            yield latents

    def drawn(
        self, crops: Iterable[Tensor], audio: Features, sampling: SamplingConfig, generator: Any
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Each clip of ``crops`` and its latents."""
        noise = Draws(generator) if isinstance(generator, torch.Generator) else generator
        heard = torch.from_numpy(audio.data)
        if self.form.hears not in (None, heard.shape[-1]):
            raise WeightsError(
                f"audio features of {audio.encoder} are {heard.shape[-1]} wide, "
                f"the model hears {self.form.hears}"
            )
        side = self.form.resolution // self.form.cell
        start = noise.initial((1, self.form.vae.latents, 1, side, side))
        first = 0
        for clip in regrouped(crops, self.form.window + 2 * sampling.overlap):
            part = heard[first : first + len(clip)]
            yield clip, self.latents(clip, part, start, sampling, noise)
            first += len(clip)

    @torch.inference_mode()
    def redraw(
        self, crops: Tensor, audio: Tensor, start: Tensor, sampling: SamplingConfig, noise: Noise
    ) -> Tensor:
        """One clip's crops ``(f, 3, r, r)`` with lips to ``audio (f, t, d)``, from ``start``."""
        return self.finish(self.latents(crops, audio, start, sampling, noise), crops)

    @torch.inference_mode()
    def latents(
        self, crops: Tensor, audio: Tensor, start: Tensor, sampling: SamplingConfig, noise: Noise
    ) -> Tensor:
        """One clip's latents ``(f, 4, r/8, r/8)``."""
        device = self.unet.device
        crops = crops.to(device)
        condition = self.condition(crops, noise)
        denoiser = Denoiser(
            self.unet,
            condition,
            audio.to(device, self.unet.dtype),
            sampling.guidance,
            KEPT_STEPS if sampling.speed == "fast" else 1,
        )
        latents = start.to(device).expand(-1, -1, len(crops), -1, -1)
        for step in denoise(denoiser, latents, self.schedule(sampling)):
            latents = step
        return latents[0].transpose(0, 1)

    @torch.inference_mode()
    def finish(self, latents: Tensor, crops: Tensor) -> Tensor:
        """The crops ``(f, 3, r, r)`` with the faces in ``latents (f, 4, r/8, r/8)``."""
        device = self.vae.device
        drawn, mask = vae.decode(self.vae, latents.to(device)), self.mask.to(device)
        return drawn * (1 - mask) + crops.to(device) * mask

    def schedule(self, sampling: SamplingConfig) -> Any:
        """A clip's schedule."""
        return schedule(sampling.scheduler, sampling.steps, self.form.prediction)

    def condition(self, crops: Tensor, noise: Noise) -> Tensor:
        """What the UNet sees beside the noise ``(1, 9, f, h, w)``: mask, masked and whole faces."""
        mask = self.mask.to(crops.device)
        side = self.form.resolution // self.form.cell
        shape = (len(crops), self.form.vae.latents, side, side)
        masked = vae.encode(self.vae, crops * mask, noise.posterior(shape))
        whole = vae.encode(self.vae, crops, noise.posterior(shape))
        keep = self.latent_mask.to(crops.device).expand(len(crops), 1, -1, -1)
        return unfold(torch.cat([keep, masked, whole], 1), len(crops))


def regrouped(pieces: Iterable[Tensor], size: int) -> Iterator[Tensor]:
    """Pieces ``(f, ...)`` of any lengths as pieces of ``size``, the last one as it comes."""
    held: Tensor | None = None
    for piece in pieces:
        held = piece if held is None else torch.cat([held, piece])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if held is not None and len(held):
        yield held
