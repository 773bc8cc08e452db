"""Crops and windows of sound in, crops with other lips out, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.musetalk import pixels
from lipkit.models.musetalk.config import CELL, SamplingConfig
from lipkit.models.musetalk.network import FaceUNet, placed
from lipkit.models.parts import vae
from lipkit.protocols import Features


class MuseTalkSyncer:
    """A `Syncer`: one evaluation a frame, without noise.

    Networks are in eval mode and on one device; they may be of any number type. Without a UNet it
    only finishes what was drawn before.
    """

    def __init__(self, unet: FaceUNet | None, autoencoder: AutoencoderKL) -> None:
        self.unet, self.vae = unet, autoencoder

    @torch.inference_mode()
    def sync(
        self,
        crops: Iterable[Tensor],
        audio: Features,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """Crops ``(f, 3, r, r)`` in -1..1 as many as came in; ``audio.data (n, t, d)``."""
        for latents in self.draw(crops, audio, sampling, generator):
            yield self.finish(latents)

    @torch.inference_mode()
    def draw(
        self,
        crops: Iterable[Tensor],
        audio: Features,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)``."""
        heard = torch.from_numpy(audio.data)
        if heard.shape[-1] != self.unet.form.context:
            raise WeightsError(
                f"audio features of {audio.encoder} are {heard.shape[-1]} wide, "
                f"the model hears {self.unet.form.context}"
            )
        if sampling.positions:
            heard = placed(heard)
        first = 0
        for faces in crops:
            seen = self.look(faces, sampling, generator)
            yield self.latents(seen, heard[first : first + len(faces)], sampling.batch)
            first += len(faces)

    def finish(self, latents: Tensor, crops: Tensor | None = None) -> Tensor:
        """Faces ``(f, 3, r, r)`` of ``latents``, whatever the ``crops`` they were drawn for."""
        return pixels.drawn(self.vae, latents.to(self.vae.device))

    def look(self, faces: Tensor, sampling: SamplingConfig, generator: torch.Generator) -> Tensor:
        """What the UNet sees ``(f, 8, r/8, r/8)`` of ``faces (f, 3, r, r)``: all but the sound."""
        count, _, height, width = faces.shape
        shape = (count, self.unet.form.out_channels, height // CELL, width // CELL)
        draws = None
        if sampling.posterior == "draw":
            draws = torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)
        return pixels.both(self.vae, faces.to(self.unet.device), draws)

    def speak(self, seen: Tensor, heard: Tensor, batch: int) -> Tensor:
        """Faces ``(f, 3, r, r)`` of what is ``seen`` and ``heard (f, t, d)``."""
        return self.finish(self.latents(seen, heard, batch))

    def latents(self, seen: Tensor, heard: Tensor, batch: int) -> Tensor:
        """Latents ``(f, 4, r/8, r/8)`` of the same."""

        def some(first: int, last: int) -> Tensor:
            audio = heard[first:last].to(self.unet.device, self.unet.dtype)
            return self.unet(seen[first:last].to(self.unet.dtype), audio).float()

        return vae.in_parts(some, len(seen), batch)
