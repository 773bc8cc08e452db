"""EMO as a ``Performer``: a picture and chunks of sound in, frames of the talking crop out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.artifacts.features import require_encoder
from lipkit.errors import BadInput
from lipkit.faces import hallo
from lipkit.faces.templates import matrices
from lipkit.faces.warping import transform, warp
from lipkit.metrics.identity import aligned, alignment
from lipkit.models.emo.config import ControlsConfig, EmoConfig, ModelConfig, SamplingConfig
from lipkit.models.emo.hearing import clipped, encoder_of, framed
from lipkit.models.emo.model import Emo
from lipkit.models.emo.pipeline import EmoAnimator, Sitter
from lipkit.models.parts import vae, weights
from lipkit.models.parts.canvas import Canvas
from lipkit.models.parts.latent_performer import LatentPerformer
from lipkit.models.parts.placing import place
from lipkit.models.parts.recognition import ArcFace
from lipkit.protocols import Face, Features

Array = NDArray[Any]
Chunks = Callable[[], Iterable[NDArray[np.float32]]]

RECOGNISER = "arcface-r100"  # InsightFace's network, which embeds faces for Hallo


class EmoPerformer(LatentPerformer):
    """A ``Performer`` by weights of the family."""

    scheme = "mediapipe478"

    def __init__(self, model: Emo, config: EmoConfig, seed: int = 0) -> None:
        self.form, self.seed = model.config, seed
        self.config = replace(config, controls=known(config.controls))
        self.fps, self.size = Fraction(self.form.fps), self.form.resolution
        self.hearing = self.form.hearing
        self.animator = EmoAnimator(*ready(model, config.sampling))
        stored = weights.catalogue().keys() & {self.form.vae.weights, self.hearing.encoder}
        if self.form.identity.source == "insightface":
            stored |= {RECOGNISER}
        self.digests = {
            name: weights.read_header(weights.locate(name))["digest"] for name in sorted(stored)
        }

    def sit(self, image: Array, face: Face) -> Canvas:
        """The part of a picture ``(h, w, 3)`` that is drawn: head and shoulders about ``face``."""
        height, width = image.shape[:2]
        points = np.asarray(face.points, np.float64)[None]
        given = {"frame_size": (width, height)}
        matrix = matrices("portrait", points, self.scheme, self.size, **given)[0]
        crop = warp(image, matrix, (self.size, self.size))
        sitter = seated(crop, transform(points[0, :, :2], matrix), self.form, self.config.sampling)
        return Canvas(image, matrix, self.size, sitter)

    def hear(self, chunks: Chunks) -> Iterator[Array]:
        """Pieces ``(f, l, d)`` of what a model frame hears, of sound at 16 kHz asked for twice."""
        return framed(encoder_of(self.hearing, self.fps).stream(chunks), self.hearing.layers)

    def recall(self, features: Features, name: str) -> Iterator[Array]:
        """The same from features of the model's encoder that lie in the file ``name``."""
        form = self.hearing
        encoder = encoder_of(form, self.fps)
        require_encoder(features, form.encoder, *encoder.shape, name)
        if features.rate != encoder.rate:
            raise BadInput(
                f"{name}: {float(features.rate):g} steps a second, but this model hears "
                f"{float(encoder.rate):g}",
                hint=f"`lipkit embed-audio --fps {self.fps}` makes them",
            )
        return framed([features.data], form.layers)

    def latents(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Tensor]:
        """Latents ``(f, 4, r/8, r/8)``, clip by clip."""
        generator = torch.Generator().manual_seed(self.seed)
        clips = clipped(heard, self.form.window, self.hearing.margin, total)
        config = self.config
        drawn = self.animator.latents(
            canvas.sitter, clips, config.controls, config.sampling, generator
        )
        done = 0
        for latents in drawn:
            wanted = latents[: total - done]
            done += len(wanted)
            yield wanted


def seated(
    crop: Array,
    points: Array,
    form: ModelConfig,
    sampling: SamplingConfig,
    scheme: str = EmoPerformer.scheme,
) -> Sitter:
    """A crop ``(r, r, 3)`` with landmarks ``points (k, 2)`` as the networks see it."""
    side = form.resolution
    size = (side, side)
    outline, mouth = hallo.parts(points, scheme)
    face = hallo.enlarged(hallo.box(outline), size, form.locator.face)
    lips = hallo.enlarged(hallo.box(mouth), size, form.locator.lips)
    masks = hallo.soft(
        *(hallo.filled(sides, size, wrap=form.locator.wrap) for sides in (face, lips))
    )
    embedding = None
    if form.identity.source == "insightface":
        face_on = aligned(crop, alignment(points, scheme))
        embedding = torch.from_numpy(recogniser().embed(face_on))
    levels = masks.levels(form.side, len(form.unet.widths))
    return Sitter(
        torch.from_numpy(hallo.pixels(crop, side)),
        torch.from_numpy(hallo.region(hallo.allowed(face, size, sampling.region), side)),
        [[torch.from_numpy(mask) for mask in part] for part in levels],
        embedding,
    )


def known(controls: ControlsConfig) -> ControlsConfig:
    """Controls whose speeds are numbers: those of a file, between blanks or commas, are read."""
    if not isinstance(controls.speed, str):
        return controls
    path = Path(controls.speed)
    hint = "controls.speed is a number, a list of numbers, or a file of them"
    try:
        words = path.read_text(encoding="utf-8").replace(",", " ").split()
        return replace(controls, speed=tuple(map(float, words)))
    except OSError as problem:
        raise BadInput(f"{path}: {problem.strerror}", hint=hint) from None
    except ValueError:  # of the number, of the text, or of the settings themselves
        raise BadInput(f"{path}: no list of speeds", hint=hint) from None


@cache
def recogniser() -> ArcFace:
    """The network that embeds faces, loaded once a process.

    It is InsightFace's own; only the five points it aligns faces by are found otherwise.
    """
    return ArcFace(weights.locate(RECOGNISER))


def ready(model: Emo, sampling: SamplingConfig) -> tuple[Any, Any]:
    """Model and autoencoder in the number type that sampling asks for."""
    found = model, vae.of(model)
    place(found, next(model.parameters()).device, sampling.precision)
    return found
