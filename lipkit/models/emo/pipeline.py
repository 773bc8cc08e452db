"""A portrait and sound in, clips of the talking portrait out, each going on from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from lipkit.models.emo.config import ControlsConfig, ModelConfig, SamplingConfig
from lipkit.models.emo.denoiser import Denoiser, Scenery, guides
from lipkit.models.emo.model import Emo
from lipkit.models.parts import vae
from lipkit.models.parts.audio_attention import Voice
from lipkit.models.parts.denoising import denoise
from lipkit.models.parts.noise_levels import scheduler


@dataclass(frozen=True, eq=False)
class Sitter:
    """A portrait as the networks see it."""

    pixels: Tensor  # (3, r, r) in -1..1
    region: Tensor  # (3, r, r) in 0..1, where the face may be
    masks: Sequence[Sequence[Tensor]] = ()  # three parts of the face, (1, l) for each level
    embedding: Tensor | None = None  # (d,) the face's identity


class EmoAnimator:
    """An ``Animator`` of portraits: EMO's inference, and Hallo's.

    The networks are in eval mode and on one device.
    """

    def __init__(self, model: Emo, autoencoder: AutoencoderKL) -> None:
        self.model, self.vae = model, autoencoder
        self.form: ModelConfig = model.config

    def animate(
        self,
        portrait: Sitter,
        audio: Iterable[Tensor],
        controls: ControlsConfig,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """Clips ``(f, 3, r, r)`` in -1..1 to windows of audio features ``(f, w, l, d)``.

        ``f`` is the model's window. All noise is the generator's, drawn clip by clip, so memory
        does not grow with the sound.
        """
        for latents in self.latents(portrait, audio, controls, sampling, generator):
            yield self.decode(latents)

    @torch.inference_mode()
    def latents(
        self,
        portrait: Sitter,
        audio: Iterable[Tensor],
        controls: ControlsConfig,
        sampling: SamplingConfig,
        generator: torch.Generator,
    ) -> Iterator[Tensor]:
        """The same before the decoder: latents ``(f, 4, r/8, r/8)`` of each clip."""
        side = self.form.side
        reference = vae.encode(self.vae, self._here(portrait.pixels[None]))
        past: Tensor | None = None
        first = 0
        for heard in audio:
            shape = (1, self.form.vae.latents, len(heard), side, side)
            noise = torch.randn(shape, generator=generator).to(reference)
            speeds = course(controls.speed, first, len(heard))
            scene = self.scene(portrait, reference, past, heard, replace(controls, speed=speeds))
            first += len(heard)
            made = self.draw(scene, noise, sampling)
            yield made
            past = self.decode(made[-self.form.carried :]) if self.form.carried else None

    def scene(
        self,
        portrait: Sitter,
        reference: Tensor,
        past: Tensor | None,
        heard: Tensor,
        controls: ControlsConfig,
    ) -> Scenery:
        """What a clip is made from: ``past (n, 3, r, r)`` is None for the first one."""
        frames = len(heard)
        masks = [
            [self._here(mask).expand(frames, -1) for mask in levels] for levels in portrait.masks
        ]
        embedding = portrait.embedding
        return Scenery(
            pictures=torch.cat([reference, self.before(reference, past)])[None],
            voice=Voice(
                self.model.hearing(self._here(heard).flatten(1)),
                masks,
                (controls.pose, controls.face, controls.lips),
            ),
            region=self._here(portrait.region[None]),
            embedding=self._here(embedding[None]) if embedding is not None else None,
            velocity=self._here(torch.tensor([course(controls.speed, 0, frames)])),
            first=past is None,
        )

    def before(self, reference: Tensor, past: Tensor | None) -> Tensor:
        """Latents ``(n, 4, h, w)`` of the frames before a clip; those of the first stand in."""
        count = self.form.carried
        if past is not None:
            return vae.encode(self.vae, past)
        if self.form.reference.first_clip == "zero_pixels":
            side = self.form.resolution
            grey = reference.new_zeros(1, 3, side, side)
            return vae.encode(self.vae, grey).expand(count, -1, -1, -1)
        return reference.expand(count, -1, -1, -1)

    def draw(self, scene: Scenery, noise: Tensor, sampling: SamplingConfig) -> Tensor:
        """Latents ``(f, 4, h, w)`` of one clip, from ``noise (1, 4, f, h, w)``."""
        guided = sampling.guidance > 1
        predict = Denoiser(
            self.model.backbone, guides(self.model, scene, guided), sampling.guidance
        )
        latents = noise
        steps = scheduler(self.form.diffusion, sampling.steps)
        for latents in denoise(predict, noise, steps):  # noqa: B007 -- the last one counts
            pass
        return latents[0].transpose(0, 1)

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        """Pictures ``(n, 3, r, r)`` in -1..1 of latents ``(n, 4, h, w)``, one at a time."""
        return vae.pictures_of(self.vae, latents)

    def _here(self, tensor: Tensor) -> Tensor:
        backbone = self.model.backbone
        return tensor.to(backbone.device, backbone.dtype)


def course(speed: float | tuple[float, ...] | str, first: int, count: int) -> tuple[float, ...]:
    """The speeds of ``count`` frames from frame ``first`` on; the last one given holds."""
    assert not isinstance(speed, str), "files are read where paths are known"
    given = speed if isinstance(speed, tuple) else (speed,)
    return tuple(given[min(k, len(given) - 1)] for k in range(first, first + count))
