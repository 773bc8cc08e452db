"""What LatentSync trains on: aligned faces, others of the same clip, what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor

from lipkit.faces.templates import matrices
from lipkit.faces.warping import warp
from lipkit.models.latentsync.config import ModelConfig
from lipkit.models.latentsync.editing import windows_of
from lipkit.training.clips import ClipFootage
from lipkit.training.data import Footage
from lipkit.training.speaking import heard_of, mel_at, passages, starts_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

KEPT = 256  # takes whose small crops stay in memory
SMALL = 4 << 20  # bytes of crops up to which a take is kept whole
APART = 16  # frames at least between a window and its reference: LatentSync's


def faces_at(take: Footage, start: int, count: int, size: int) -> Tensor:
    """Faces ``(f, 3, size, size)`` uint8 as LatentSync aligns them."""
    if len(take) * size * size * 3 <= SMALL and take.valid.all():
        crops = _whole(take, size)[start : start + count]
    else:
        crops = _crops(take, start, start + count, size)
    return torch.from_numpy(crops).movedim(-1, 1).contiguous()


@lru_cache(KEPT)
def _whole(take: Footage, size: int) -> Array:
    return _crops(take, 0, len(take), size)


def _crops(take: Footage, start: int, stop: int, size: int) -> Array:
    pictures = take.pictures(start, stop)
    if isinstance(take, ClipFootage) and take.geometry.template == "latentsync":
        if pictures.shape[1:3] == (size, size):
            return pictures
        way = cv2.INTER_AREA if pictures.shape[1] > size else cv2.INTER_CUBIC
        return np.stack([cv2.resize(p, (size, size), interpolation=way) for p in pictures])
    height, width = pictures.shape[1:3]
    points = take.points[start:stop]
    place = matrices("latentsync", points, take.scheme, size, frame_size=(width, height))
    return np.stack([warp(p, m, (size, size)) for p, m in zip(pictures, place, strict=True)])


def pairs(
    takes: Sequence[Footage], rng: np.random.Generator, batch: int, count: int, size: int
) -> dict[str, Tensor]:
    """What a SyncNet learns from: ``faces (b, f, 3, size, size)`` uint8, ``mel (b, 1, 80, t)``.

    ``together (b,)`` is 1 where both are of one moment; half of the faces are of another one.
    """
    found: dict[str, list[Tensor]] = {"faces": [], "mel": [], "together": []}
    for take, start, other in passages(takes, rng, count, 1):
        fits = bool(rng.random() < 0.5)
        found["faces"].append(faces_at(take, start if fits else other, count, size))
        found["mel"].append(mel_at(take, start, count))
        found["together"].append(torch.tensor(float(fits)))
        if len(found["mel"]) == batch:
            break
    return {name: torch.stack(items) for name, items in found.items()}


def together(
    takes: Sequence[Footage],
    rng: np.random.Generator,
    batch: int,
    windows: int,
    count: int,
    size: int,
) -> dict[str, Tensor]:
    """So many windows of each of ``batch`` takes, in sync: ``faces`` and ``mel`` as for pairs."""
    found: dict[str, list[Tensor]] = {"faces": [], "mel": []}
    for take, _, _ in passages(takes, rng, count, 1):
        places = starts_of(take, count)
        for start in rng.choice(places, windows, replace=len(places) < windows):
            found["faces"].append(faces_at(take, int(start), count, size))
            found["mel"].append(mel_at(take, int(start), count))
        if len(found["mel"]) == batch * windows:
            break
    return {name: torch.stack(items) for name, items in found.items()}


def scenes(
    takes: Sequence[Footage], rng: np.random.Generator, batch: int, count: int, form: ModelConfig
) -> dict[str, Tensor]:
    """What the UNet learns from: ``target`` and ``reference (b, f, 3, r, r)`` uint8 of one take.

    ``audio (b, f, t, d)`` and ``mel (b, 1, 80, t)`` are heard with the target.
    """
    found: dict[str, list[Tensor]] = {"target": [], "reference": [], "audio": [], "mel": []}
    for take, start, other in passages(takes, rng, count, APART):
        voice = windows_of(heard_of(take, form.encoder), form, start, count)
        found["target"].append(faces_at(take, start, count, form.resolution))
        found["reference"].append(faces_at(take, other, count, form.resolution))
        found["audio"].append(torch.from_numpy(voice.data))
        found["mel"].append(mel_at(take, start, count))
        if len(found["mel"]) == batch:
            break
    return {name: torch.stack(items) for name, items in found.items()}


def pixels(faces: Tensor) -> Tensor:
    """Faces in -1..1 of uint8."""
    return faces.float() / 127.5 - 1
