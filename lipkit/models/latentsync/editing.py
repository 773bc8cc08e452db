"""LatentSync as an editor of videos: aligned crops in, and only the redrawn hole goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from threading import Lock
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray

from lipkit.audio import windows
from lipkit.faces.latentsync_pixels import fixed_mask
from lipkit.faces.masks import feathered
from lipkit.models.latentsync.config import LatentSyncConfig, ModelConfig, SamplingConfig
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.pipeline import Draws, LatentSyncer
from lipkit.models.parts import vae, weights
from lipkit.models.parts.placing import place
from lipkit.protocols import AudioEncoder, FaceTrack, Features
from lipkit.sync.crops import CropEditor, Cropping, Study
from lipkit.sync.hearing import encoder_of

Array = NDArray[Any]

BEST = "bf16"  # number type on a GPU
FEATHER = 0.04  # of the crop: within its rim, the hole fades to the frame's own pixels


class LatentSyncFinisher(CropEditor):
    """An `Editor` of voices that are latents drawn before: it needs the autoencoder alone."""

    name = "latentsync"
    scheme = "mediapipe478"

    def __init__(
        self,
        syncer: LatentSyncer,
        sampling: SamplingConfig,
        encoder: AudioEncoder | None = None,
        seed: int = 0,
    ) -> None:
        form = self.form = syncer.form
        super().__init__(
            syncer,
            encoder,
            Cropping(
                template="latentsync",
                size=form.resolution,
                fps=Fraction(form.fps),
                window=form.window,
                margin=sampling.overlap,
                rest=sampling.rest,
            ),
            name=self.name,
            scheme=self.scheme,
            sampling=sampling,
            seed=seed,
        )
        self.hole = feathered(hole_of(form), FEATHER * form.resolution)
        self.one_at_a_time = Lock()

    def _run(self, work: Callable[[Any], Iterable[Any]], crops: Array) -> Array:
        with self.one_at_a_time:  # cropping and pasting go on in other threads meanwhile
            return super()._run(work, crops)

    def _mask(self, track: FaceTrack, study: Study, row: int) -> Array:
        return np.asarray(self.hole * study.weight[row], np.float32)


class LatentSyncEditor(LatentSyncFinisher):
    """An `Editor` by LatentSync's weights; ``threads`` share one network.

    Windows lie where the official code cuts its clips, and frames begin from the same noise.
    """

    def __init__(
        self, model: LatentSync, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        form = model.config
        syncer = LatentSyncer(*ready(model, sampling), form)
        super().__init__(syncer, sampling, encoder_of(form.encoder), seed)
        stored = weights.catalogue().keys() & {form.vae.weights, form.encoder}
        self.digests = {
            name: weights.read_header(weights.locate(name))["digest"] for name in sorted(stored)
        }

    def around(self, voice: Features, first: int, count: int) -> Features:
        """One window of the encoder's steps for each of ``count`` frames."""
        return windows_of(voice, self.form, first, count)

    def noise(self, first: int) -> Draws:
        """The same beginning for all frames, and the window's own draws of its faces."""
        video = torch.Generator().manual_seed(self.seed)
        clip = torch.Generator().manual_seed(self.seed * 1_000_003 + first + 1)
        return Draws(video, clip)


def finisher(config: LatentSyncConfig, coder: AutoencoderKL) -> LatentSyncFinisher:
    """The editor that finishes latents of a model so configured."""
    place((coder,), coder.device, config.sampling.precision, best=BEST)
    return LatentSyncFinisher(LatentSyncer(None, coder, config.model), config.sampling)


def windows_of(voice: Features, form: ModelConfig, first: int, count: int) -> Features:
    """Windows ``(count, t, d)`` at the model's rate, from its frame ``first`` on.

    Of Whisper's 50 steps a second, each frame hears the two of its own and of its neighbours.
    """
    steps = voice.rate / form.fps
    before, after = form.context
    middles = windows.centres(count, voice.rate, Fraction(form.fps), first)
    left, right = int(before * steps), int((after + 1) * steps) - 1
    rows = windows.rows(middles, left, right, len(voice.data))
    return Features(windows.cut(voice.data, rows), Fraction(form.fps), voice.encoder)


def hole_of(form: ModelConfig) -> Array:
    """Where a face is drawn anew ``(r, r)``: 1 there, 0 elsewhere."""
    return (fixed_mask(form.mask, form.resolution) < 128).astype(np.float32)


def ready(model: LatentSync, sampling: SamplingConfig) -> tuple[Any, Any]:
    """UNet and autoencoder as sampling wants them: number type, memory layout, compiled."""
    device = next(model.parameters()).device
    unet, coder = model.unet, vae.of(model)
    # On a CPU it gains nothing, and norms in it crash on the way back where only weights train.
    layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
    place((unet, coder), device, sampling.precision, best=BEST, layout=layout)
    if sampling.compile and "deep" not in vars(unet):  # not yet
        unet.deep, unet.leave = torch.compile(unet.deep), torch.compile(unet.leave)
    return unet, coder
