"""LatentSync as an editor of videos: aligned crops in, and only the redrawn hole goes back."""

from __future__ import annotations

from fractions import Fraction
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lipkit.audio import windows
from lipkit.faces.latentsync_pixels import fixed_mask
from lipkit.faces.masks import feathered
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.model import LatentSync
from lipkit.models.latentsync.pipeline import Draws, LatentSyncer
from lipkit.models.parts import vae, weights
from lipkit.models.parts.placing import place
from lipkit.protocols import FaceTrack, Features
from lipkit.sync.crops import CropEditor, Cropping, Study
from lipkit.sync.hearing import encoder_of

Array = NDArray[Any]

FEATHER = 0.04  # of the crop: within its rim, the hole fades to the frame's own pixels


class LatentSyncEditor(CropEditor):
    """An `Editor` by LatentSync's weights; ``threads`` share one network.

    Windows lie where the official code cuts its clips, and frames begin from the same noise.
    """

    name = "latentsync"
    scheme = "mediapipe478"

    def __init__(
        self, model: LatentSync, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        form = model.config
        super().__init__(
            LatentSyncer(*ready(model, sampling), form),
            encoder_of(form.encoder),
            Cropping(
                template="latentsync",
                size=form.resolution,
                fps=Fraction(form.fps),
                window=form.window,
                margin=sampling.overlap,
            ),
            name=self.name,
            scheme=self.scheme,
            sampling=sampling,
            seed=seed,
        )
        self.form = form
        stored = weights.catalogue().keys() & {form.vae.weights, form.encoder}
        self.digests = {
            name: weights.read_header(weights.locate(name))["digest"] for name in sorted(stored)
        }
        self.hole = feathered(hole_of(form), FEATHER * form.resolution)
        self.one_at_a_time = Lock()

    def around(self, voice: Features, first: int, count: int) -> Features:
        """One window of the encoder's steps for each of ``count`` frames."""
        return windows_of(voice, self.form, first, count)

    def noise(self, first: int) -> Draws:
        """The same beginning for all frames, and the window's own draws of its faces."""
        video = torch.Generator().manual_seed(self.seed)
        clip = torch.Generator().manual_seed(self.seed * 1_000_003 + first + 1)
        return Draws(video, clip)

    def _run(self, crops: Array, voice: Features, first: int) -> Array:
        with self.one_at_a_time:  # cropping and pasting go on in other threads meanwhile
            return super()._run(crops, voice, first)

    def _mask(self, track: FaceTrack, study: Study, row: int) -> Array:
        return np.asarray(self.hole * study.weight[row], np.float32)


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
    place((unet, coder), device, sampling.precision, best="bf16", layout=layout)
    if sampling.compile and "deep" not in vars(unet):  # not yet
        unet.deep, unet.leave = torch.compile(unet.deep), torch.compile(unet.leave)
    return unet, coder
