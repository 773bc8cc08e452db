"""What MuseTalk trains on: faces, another frame of the same person, where mouths are, the sound.

Zhang et al. 2024, arXiv:2410.10122, section 3.4, and the official training's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lipkit.faces import boxes
from lipkit.faces.landmarks import semantic
from lipkit.faces.warping import box_of, transform, warp
from lipkit.models.musetalk.config import ModelConfig
from lipkit.models.musetalk.hearing import around, normed
from lipkit.sync.hearing import encoder_of
from lipkit.training.data import Footage
from lipkit.training.speaking import KEPT, heard_of, mel_at, passages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Features

    Array = NDArray[Any]

APART = 5  # frames at least between a face and its reference
SHARE = 0.51  # of frames that count as most alike in the jaw, and as most different in the mouth
MARGIN = 10 / 256  # mean and deviation of the margin below the chin, in heights of the face
AROUND = 1.6  # sides of what the judge of mouths sees, in the lips' larger side


@lru_cache(KEPT)
def voice_of(take: Footage, form: ModelConfig) -> Features:
    """What the model hears of a take's whole sound."""
    return normed(heard_of(take, form.encoder), encoder_of(form.encoder), form)


@lru_cache(KEPT)
def contours(take: Footage) -> tuple[Array, Array]:
    """Jaws and inner lips ``(f, k, 2)`` of a take, as places in the face's box."""
    place = boxes.squeezed(boxes.bridged(take.points, take.scheme), 1)
    points = transform(take.points[..., :2], place)
    parts = semantic(points, take.scheme)
    return parts["jaw"], parts["inner_lips"]


def reference_of(take: Footage, row: int, rng: np.random.Generator) -> int:
    """Another frame: the head much like that of ``row``, the mouth much unlike it."""
    rows = np.flatnonzero(take.valid & (np.abs(np.arange(len(take)) - row) >= APART))
    if not len(rows):
        return row
    jaw, lips = (np.square(part[rows] - part[row]).sum((1, 2)) for part in contours(take))
    fits = (jaw <= np.quantile(jaw, SHARE)) & (lips >= np.quantile(lips, 1 - SHARE))
    return int(rng.choice(rows[fits] if fits.any() else rows))


def faces_at(take: Footage, start: int, stop: int, margin: float, size: int) -> tuple[Array, Array]:
    """Faces ``(f, size, size, 3)`` uint8, and boxes x0 y0 x1 y1 ``(f, 4)`` around their mouths."""
    points = take.points[start:stop]
    place = boxes.squeezed(boxes.bridged(points, take.scheme, 0.0, margin), size)
    pictures = take.pictures(start, stop)
    cut = [warp(p, matrix, (size, size)) for p, matrix in zip(pictures, place, strict=True)]
    lips = semantic(transform(points[..., :2], place), take.scheme)["outer_lips"]
    around_lips = box_of(lips)
    middle = (around_lips[:, :2] + around_lips[:, 2:]) / 2
    half = (around_lips[:, 2:] - around_lips[:, :2]).max(1, keepdims=True) * AROUND / 2
    return np.stack(cut), np.concatenate([middle - half, middle + half], 1)


def scenes(
    takes: Sequence[Footage], rng: np.random.Generator, batch: int, count: int, form: ModelConfig
) -> dict[str, Tensor]:
    """``target`` and ``reference (b, f, 3, r, r)`` uint8 of one take each, and what is heard.

    ``audio (b, f, t, d)`` are the model's windows, ``mel (b, 1, 80, t)`` is a SyncNet's, both of
    the target; ``mouth (b, f, 4)`` are boxes in pixels. All frames of a row have one reference.
    """
    found: dict[str, list[Tensor]] = {k: [] for k in ("target", "reference", "mouth", "audio")}
    found["mel"] = []
    for take, start, _ in passages(takes, rng, count, 1):
        margin = MARGIN * float(np.clip(1 + rng.standard_normal(), 0, 2))
        target, mouth = faces_at(take, start, start + count, margin, form.resolution)
        row = reference_of(take, start, rng)
        reference, _ = faces_at(take, row, row + 1, margin, form.resolution)
        voice = around(voice_of(take, form), form, start, count)
        found["target"].append(torch.from_numpy(target).movedim(-1, 1))
        found["reference"].append(
            torch.from_numpy(reference).movedim(-1, 1).expand(count, -1, -1, -1)
        )
        found["mouth"].append(torch.from_numpy(mouth).float())
        found["audio"].append(torch.from_numpy(voice.data))
        found["mel"].append(mel_at(take, start, count))
        if len(found["mel"]) == batch:
            break
    return {name: torch.stack(items) for name, items in found.items()}
