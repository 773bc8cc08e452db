"""VLOGGER as a ``Performer``: a picture and chunks of sound in, frames of the talking crop out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.artifacts.features import require_encoder
from lipkit.errors import BadInput
from lipkit.faces.templates import matrices
from lipkit.faces.warping import transform, warp
from lipkit.models.parts.canvas import Canvas, frames_of
from lipkit.models.parts.placing import place
from lipkit.models.vlogger.config import ModelConfig, SamplingConfig, VloggerConfig
from lipkit.models.vlogger.enlarging import Enlarger
from lipkit.models.vlogger.figure import Figure, figure_of
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.listening import framed
from lipkit.models.vlogger.material import told_of
from lipkit.models.vlogger.model import Vlogger
from lipkit.models.vlogger.painting import Painting
from lipkit.models.vlogger.talking import Talker
from lipkit.protocols import Face, Features
from lipkit.sync.hearing import encoder_of

Array = NDArray[Any]
Chunks = Callable[[], Iterable[NDArray[np.float32]]]


class VloggerPerformer:
    """A ``Performer`` by weights of the family; memory does not grow with the sound."""

    scheme = "mediapipe478"

    def __init__(self, model: Vlogger, config: VloggerConfig, seed: int = 0) -> None:
        self.model, self.form, self.sampling = model, model.config, config.sampling
        self.seed, self.rows = seed, rows_of(model.config)
        self.fps, self.size = Fraction(self.form.fps), side_of(self.form, config.sampling)
        self.digests: Mapping[str, str] = {}
        place((model.painter, model.upscalers), model.alpha_bar.device, config.sampling.precision)
        model.mover.eval()
        self.talker = Talker(model, config.sampling)
        self.painting = Painting(model.painter, self.form, model.alpha_bar, config.sampling)
        self.enlarger = Enlarger(model, config.sampling, seed)

    def sit(self, image: Array, face: Face) -> Canvas:
        """The part of a picture ``(h, w, 3)`` that is drawn: head and shoulders about ``face``."""
        height, width = image.shape[:2]
        points = np.asarray(face.points, np.float64)
        matrix = matrices(
            "portrait", points[None], self.scheme, self.size, frame_size=(width, height)
        )[0]
        crop = warp(image, matrix, (self.size, self.size))
        figure = self.seated(crop, transform(points, matrix))
        return Canvas(image, matrix, self.size, figure)

    def seated(self, crop: Array, points: Array) -> Figure:
        """The person in a crop ``(s, s, 3)`` with mesh ``points (478, 3)``."""
        side = self.form.resolution
        scale, edge = side / len(crop), np.array([0.5, 0.5, 0.0])
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        return figure_of(self.model.face, small, (points + edge) * scale - edge)

    def hear(self, chunks: Chunks) -> Iterator[Array]:
        """What frames hear ``(f, 1, d)``, of 16 kHz sound that is asked for twice."""
        encoder = encoder_of(self.form.motion.encoder)
        return framed(encoder.stream(chunks), encoder.rate, self.form.motion, self.form.fps)

    def recall(self, features: Features, name: str) -> Iterator[Array]:
        """The same from features of the model's encoder that lie in the file ``name``."""
        encoder = encoder_of(self.form.motion.encoder)
        require_encoder(features, encoder.name, encoder.layers, encoder.width, name)
        return framed([features.data], features.rate, self.form.motion, self.form.fps)

    def count(self, samples: int) -> int:
        """Frames that a sound of so many samples at 16 kHz takes."""
        return max(1, math.ceil(samples * self.fps / 16000))

    def perform(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Array]:
        """Chunks of crops ``(f, s, s, 3)`` uint8, ``total`` frames in all."""
        moves = self.talker.move(
            (piece[:, 0] for piece in lasting(heard, total)),
            torch.Generator().manual_seed(self.seed),
        )
        generator = torch.Generator().manual_seed(self.seed + 1)
        for frames in self.painting.outpainted(self.told(canvas.sitter, moves), generator):
            yield frames_of(self.enlarger.enlarge(frames, self.size))

    def told(self, figure: Figure, moves: Iterable[Array]) -> Iterator[Tensor]:
        """What the painter is told of each frame ``(k, r, r)`` of motion in pieces ``(f, c)``."""
        for motion in moves:
            for points in figure.points(self.model.face, self.rows, motion):
                told = told_of(points[None], figure.reference, self.form.fine)[0]
                yield torch.from_numpy(told).float().to(self.model.alpha_bar.device)


def lasting(pieces: Iterable[Array], total: int) -> Iterator[Array]:
    """Pieces ``(f, ...)`` with ``total`` rows in all; the last row stays as long as need be."""
    done, last = 0, None
    for piece in pieces:
        if len(piece) and done < total:
            last = piece[: total - done]
            done += len(last)
            yield last
    if last is None:
        raise BadInput("this sound is too short to hear anything in it")
    while done < total:
        more = np.repeat(last[-1:], min(total - done, 256), 0)
        done += len(more)
        yield more


def side_of(form: ModelConfig, sampling: SamplingConfig) -> int:
    """The side of what is made; ValueError for a size that the cascade does not have."""
    sides = (form.resolution, *form.cascade)
    if sampling.size and sampling.size not in sides:
        raise BadInput(
            f"sampling.size = {sampling.size}: this model makes {', '.join(map(str, sides))}"
        )
    return sampling.size or sides[-1]
