"""MuseTalk as an editor of videos: boxes of faces in, and only the lower face goes back."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from numpy.typing import NDArray

from lipkit.faces import boxes
from lipkit.faces.masks import mask
from lipkit.faces.warping import transform
from lipkit.models.musetalk.blending import softened
from lipkit.models.musetalk.config import ModelConfig, MuseTalkConfig, SamplingConfig
from lipkit.models.musetalk.hearing import around, normed
from lipkit.models.musetalk.model import MuseTalk, ready
from lipkit.models.musetalk.pipeline import MuseTalkSyncer
from lipkit.models.parts import weights
from lipkit.models.parts.placing import place
from lipkit.protocols import AudioEncoder, FaceTrack, Features
from lipkit.sync.crops import CropEditor, Cropping, Study
from lipkit.sync.hearing import encoder_of

Array = NDArray[Any]

REGION = {"grow": 0.1, "feather": 0.12}  # boxes end just below the chin, which moves with lips


class MuseTalkFinisher(CropEditor):
    """An `Editor` of voices that are latents drawn before: it needs the autoencoder alone."""

    name = "musetalk"
    scheme = "mediapipe478"

    def __init__(
        self,
        syncer: MuseTalkSyncer,
        form: ModelConfig,
        sampling: SamplingConfig,
        encoder: AudioEncoder | None = None,
        seed: int = 0,
    ) -> None:
        self.form = form
        super().__init__(
            syncer,
            encoder,
            Cropping(
                size=form.resolution,
                fps=Fraction(form.fps),
                margin=1,
                rest=sampling.rest,
                ends=form.beyond == "repeat",
                **REGION,
            ),
            name=self.name,
            scheme=self.scheme,
            sampling=sampling,
            seed=seed,
        )

    def place(self, points: Array, track: FaceTrack) -> Array:
        """Boxes from the forehead to the chin, the nose's bridge in their middle."""
        side = self.form.resolution
        shift, margin = self.sampling.shift / side, self.form.margin / side
        return boxes.squeezed(boxes.bridged(points, track.scheme, shift, margin), side)

    def _mask(self, track: FaceTrack, study: Study, row: int) -> Array:
        if self.sampling.paste == "soft":
            return super()._mask(track, study, row)
        matrix, side = study.matrix[row], self.form.resolution
        points = transform(track.points[row], matrix)
        face = mask("face", points, track.scheme, (side, side), grow=0.1)
        return np.asarray(softened(face, matrix) * study.weight[row], np.float32)


class MuseTalkEditor(MuseTalkFinisher):
    """An `Editor` by MuseTalk's weights; ``threads`` share one network."""

    def __init__(
        self, model: MuseTalk, sampling: SamplingConfig, seed: int = 0, threads: int = 1
    ) -> None:
        form = model.config
        syncer = MuseTalkSyncer(*ready(model, sampling))
        super().__init__(syncer, form, sampling, encoder_of(form.encoder), seed)
        stored = weights.catalogue().keys() & {form.vae.weights, form.encoder}
        self.digests = {
            name: weights.read_header(weights.locate(name))["digest"] for name in sorted(stored)
        }

    def hear(self, chunks: Iterable[Array]) -> Features:
        """The encoder's features of the whole sound."""
        return normed(super().hear(chunks), self.encoder, self.form)

    def recall(self, features: Features, name: str) -> Features:
        """The features in the file ``name``; BadInput for another encoder's."""
        return normed(super().recall(features, name), self.encoder, self.form)

    def around(self, voice: Features, first: int, count: int) -> Features:
        """The sound of each of ``count`` frames and of its neighbours."""
        return around(voice, self.form, first, count)


def finisher(config: MuseTalkConfig, coder: AutoencoderKL) -> MuseTalkFinisher:
    """The editor that finishes latents of a model so configured."""
    place((coder,), coder.device, config.sampling.precision)
    syncer = MuseTalkSyncer(None, coder)
    return MuseTalkFinisher(syncer, config.model, config.sampling)
