"""AniPortrait as a ``Performer``: picture and chunks of sound in, frames of a talking crop out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.audio.wav2vec2 import Wav2Vec2Encoder
from lipkit.errors import BadInput
from lipkit.faces.canonical import VERTICES
from lipkit.faces.templates import matrices
from lipkit.faces.warping import transform, warp
from lipkit.models.parts import vae, weights
from lipkit.models.parts.canvas import Canvas
from lipkit.models.parts.latent_performer import LatentPerformer
from lipkit.models.parts.placing import place
from lipkit.models.parts.spool import Spool
from lipkit.models.vlogger import pose
from lipkit.models.vlogger.aniportrait.config import AniPortraitConfig, SamplingConfig
from lipkit.models.vlogger.aniportrait.following import at_rate, doings, watched
from lipkit.models.vlogger.aniportrait.hearing import Hearing, Poser
from lipkit.models.vlogger.aniportrait.model import AniPortrait, beholder
from lipkit.models.vlogger.aniportrait.pipeline import AniPortraitAnimator, Performance, Sitter
from lipkit.models.vlogger.head import fit
from lipkit.protocols import Face, Features

Array = NDArray[Any]
Chunks = Callable[[], Iterable[NDArray[np.float32]]]

ANGLES = 6  # numbers of a pose
PIECE = 5  # seconds over which a head's pose goes on from its own past


class AniPortraitPerformer(LatentPerformer):
    """A ``Performer`` by weights of the family.

    What frames hear is what it makes a head do: ``(f, 1, 3 * 468 + 6)``, a mesh's offsets and a
    pose.
    """

    scheme = "mediapipe478"

    def __init__(self, model: AniPortrait, config: AniPortraitConfig, seed: int = 0) -> None:
        self.model, self.config, self.seed = model, config, seed
        self.form, self.sampling = model.config, config.sampling
        self.fps, self.size = Fraction(self.form.fps), self.form.resolution
        # These stay in 32 bits: they are quick, and poses feed back on themselves.
        self.shaper, self.poser = (one.eval() for one in (model.shaper, model.poser))
        self.animator = AniPortraitAnimator(*ready(model, self.sampling))
        borrowed = {self.form.vae.weights, self.form.sight.weights} - {""}
        self.digests = {
            name: weights.read_header(weights.locate(name))["digest"] for name in sorted(borrowed)
        }

    def sit(self, image: Array, face: Face) -> Canvas:
        """The part of a picture ``(h, w, 3)`` that is drawn: head and shoulders about ``face``."""
        height, width = image.shape[:2]
        points = np.asarray(face.points, np.float64)
        given = {"frame_size": (width, height)}
        matrix = matrices("portrait", points[None], self.scheme, self.size, **given)[0]
        crop = warp(image, matrix, (self.size, self.size))
        edge = np.array([0.5, 0.5, 0.0])  # shares of a picture begin at the first pixel's edge
        places = transform(points, matrix) + edge
        head = fit(places / self.size, (self.size, self.size))
        pixels = torch.from_numpy(crop).movedim(2, 0).float() / 127.5 - 1
        return Canvas(image, matrix, self.size, Sitter(pixels, head))

    def hear(self, chunks: Chunks) -> Iterator[Array]:
        """What a head does ``(f, 1, d)`` to sound at 16 kHz asked for more than once."""
        generator = torch.Generator().manual_seed(self.seed)
        identity = torch.randint(self.form.poser.identities, (1,), generator=generator)
        ears = self.poser.hearing
        poses = list(moved(self.poser, heard(ears, self.fps, chunks), self.fps, identity))
        calm = calmed(np.concatenate(poses), self.sampling) if poses else np.zeros((0, ANGLES))
        done = 0
        for one in heard(self.shaper.hearing, self.fps, chunks):
            yield packed(Performance(self.shaped(one), calm[done : done + len(one)]))
            done += len(one)

    @torch.inference_mode()
    def shaped(self, heard: Tensor) -> Array:
        """A mesh's offsets ``(f, 468, 3)`` for what is heard ``(f, d)``."""
        made: Array = self.shaper.leave(heard).unflatten(1, (-1, 3)).cpu().numpy()
        return made

    def follow(self, read: Callable[[], Iterable[Array]], rate: Fraction) -> Iterator[Array]:
        """What the face of a video of ``rate`` frames a second does, as if it were heard."""
        points, size = watched(read)
        yield packed(doings(at_rate(points, rate, self.fps), size))

    def recall(self, features: Features, name: str) -> Iterator[Array]:
        """Nothing: the model hears with networks of its own."""
        raise BadInput(
            f"{name}: this model hears with networks of its own, not {features.encoder}",
            hint="give it the sound",
        )

    def latents(self, canvas: Canvas, heard: Iterable[Array], total: int) -> Iterator[Tensor]:
        """Latents ``(f, 4, r/8, r/8)``, a window's worth at a time."""
        generator = torch.Generator().manual_seed(self.seed)
        audio = Rows(heard, total)
        return self.animator.latents(canvas.sitter, audio, self.sampling, generator)


class Rows:
    """A performance of ``total`` frames in a file, of rows ``(f, 1, d)``; the last one lasts."""

    def __init__(self, heard: Iterable[Array], total: int) -> None:
        self.last, self.kept = -1, Spool(total, (3 * VERTICES + ANGLES,))
        for piece in heard:
            rows = piece[: total - 1 - self.last, 0]
            self.kept.write(range(self.last + 1, self.last + 1 + len(rows)), rows)
            self.last += len(rows)
        if self.last < 0:
            raise BadInput("this sound is too short to hear anything in it")

    def __len__(self) -> int:
        return len(self.kept)

    def part(self, rows: list[int]) -> Performance:
        """Some frames of it."""
        read = self.kept.read([min(row, self.last) for row in rows]).astype(np.float64)
        return Performance(read[:, :-ANGLES].reshape(len(rows), -1, 3), read[:, -ANGLES:])


def calmed(poses: Array, sampling: SamplingConfig) -> Array:
    """Poses ``(f, 6)`` as calm as ``sampling`` asks for."""
    turn = sampling.turn
    return pose.smoothed(poses * [turn, turn, turn, 1, 1, 1], sampling.smooth)


def packed(audio: Performance) -> Array:
    """A performance as rows ``(f, 1, 3 * 468 + 6)``."""
    flat = audio.offsets.reshape(len(audio.offsets), -1)
    return np.concatenate([flat, audio.poses], 1)[:, None].astype(np.float32)


def heard(hearing: Hearing, fps: Fraction, chunks: Chunks) -> Iterator[Tensor]:
    """Pieces ``(f, d)`` of what the network hears at each frame, in windows without joints."""
    last = hearing.form.states == "last"
    count = len(hearing.encoder.encoder.layers)
    layers = "last" if last else ",".join(map(str, range(count + 1)))
    encoder = Wav2Vec2Encoder(hearing.encoder, layers=layers, fps=fps)
    for piece in encoder.stream(chunks):
        with torch.inference_mode():
            states = torch.from_numpy(piece).mean(1)
            yield hearing.narrow(states.to(hearing.narrow.weight))


def moved(
    poser: Poser, pieces: Iterable[Tensor], fps: Fraction, identity: Tensor
) -> Iterator[Array]:
    """Poses ``(f, 6)`` piece by piece, each from rest on; what remains belongs to the last."""
    length, held = round(PIECE * fps), None
    identity = identity.to(poser.table.device)
    for piece in pieces:
        held = piece if held is None else torch.cat([held, piece])
        while len(held) >= 2 * length:
            yield posed(poser, held[:length], identity)
            held = held[length:]
    if held is not None:
        yield posed(poser, held, identity)


@torch.inference_mode()
def posed(poser: Poser, heard: Tensor, identity: Tensor) -> Array:
    """Poses ``(f, 6)`` of one piece."""
    made: Array = poser.move(heard[None], identity)[0].cpu().numpy()
    return made


def ready(model: AniPortrait, sampling: SamplingConfig) -> tuple[Any, Any, Any]:
    """Model, autoencoder and picture encoder, in the number type that sampling asks for."""
    borrowed = vae.of(model), beholder(model)
    drawing = (model.guider, model.reference, model.backbone, *borrowed)
    place(drawing, model.backbone.device, sampling.precision)
    return model, *borrowed
