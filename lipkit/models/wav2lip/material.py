"""What Wav2Lip trains on: five frames of a face, their sound, and other frames of the same face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lipkit.audio import windows
from lipkit.audio.mel import log_mel, wav2lip
from lipkit.errors import BadInput
from lipkit.faces import boxes
from lipkit.faces.warping import warp
from lipkit.models.wav2lip.generator import SIDE
from lipkit.models.wav2lip.pipeline import COLUMNS
from lipkit.models.wav2lip.syncnet import FRAMES
from lipkit.training.data import Footage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

FPS = 25
KEPT = 256  # takes whose mel stays in memory
TRIES = 1000


@lru_cache(KEPT)
def mel_of(take: Footage) -> Array:
    """The mel ``(t, 80)`` of a take's whole sound."""
    return log_mel(take.wave, wav2lip().spec)


def starts(take: Footage) -> int:
    """How many stretches of five frames at 25 a second the take has, sound included."""
    frames = int(len(take) * FPS / take.fps)
    heard = int((len(mel_of(take)) - COLUMNS) * FPS / windows.MEL_RATE) + 1
    return max(0, min(frames, heard) - FRAMES + 1)


def rows_of(take: Footage, start: int) -> list[int]:
    """The take's frames nearest to five frames at 25 a second from number ``start`` on."""
    last = len(take) - 1
    return [min(round((start + k) * take.fps / FPS), last) for k in range(FRAMES)]


def faces_of(take: Footage, start: int) -> Tensor:
    """Faces ``(3, 5, 96, 96)`` in 0..1 and BGR of five frames."""
    rows = rows_of(take, start)
    pictures = take.pictures(rows[0], rows[-1] + 1)
    place = boxes.squeezed(boxes.head(take.points[rows], take.scheme), SIDE)
    cut = [
        warp(pictures[row - rows[0]], matrix, (SIDE, SIDE))
        for row, matrix in zip(rows, place, strict=True)
    ]
    found = torch.from_numpy(np.stack(cut)[..., ::-1].copy())
    return found.permute(3, 0, 1, 2).float() / 255


def mels_of(take: Footage, start: int) -> Tensor:
    """Mels ``(5, 1, 80, 16)`` that begin with each of five frames.

    So they are heard when syncing; the official training let them begin a frame earlier.
    """
    mel = mel_of(take)
    first = [windows.mel_start(start + k) for k in range(FRAMES)]
    cut = np.stack([mel[k : k + COLUMNS].T for k in first])
    return torch.from_numpy(cut).float()[:, None]


def passages(takes: Sequence[Footage], rng: np.random.Generator) -> Iterator[tuple[Footage, int]]:
    """Takes and starts of five frames that all show a face, for ever; BadInput if there are none.

    A take that is too short, or whose face is gone, is passed over.
    """
    vain = 0
    while vain < TRIES:
        take = takes[int(rng.integers(len(takes)))]
        places = starts(take)
        start = int(rng.integers(places)) if places else 0
        if places > FRAMES and take.valid[rows_of(take, start)].all():
            vain = 0
            yield take, start
        else:
            vain += 1
    raise BadInput(f"no {2 * FRAMES} frames in a row of a face that speaks, in {TRIES} tries")


def elsewhere(take: Footage, start: int, rng: np.random.Generator) -> int:
    """Another start in the same take, with a face in all frames if one is found."""
    for _ in range(TRIES):
        other = int(rng.integers(starts(take)))
        if other != start and take.valid[rows_of(take, other)].all():
            return other
    return start


def pairs(takes: Sequence[Footage], rng: np.random.Generator, count: int) -> dict[str, Tensor]:
    """What an expert learns from: ``faces (b, 3, 5, 96, 96)`` and ``mel (b, 1, 80, 16)``.

    ``together (b,)`` is 1 where both are of one moment; the others are of one take.
    """
    faces, mels, together = [], [], []
    for take, start in passages(takes, rng):
        fits = bool(rng.random() < 0.5)
        faces.append(faces_of(take, start if fits else elsewhere(take, start, rng)))
        mels.append(mels_of(take, start)[0])
        together.append(float(fits))
        if len(faces) == count:
            break
    return {
        "faces": torch.stack(faces),
        "mel": torch.stack(mels),
        "together": torch.tensor(together),
    }


def scenes(takes: Sequence[Footage], rng: np.random.Generator, count: int) -> dict[str, Tensor]:
    """What a generator learns from: ``faces`` and ``others (b, 3, 5, 96, 96)`` of one take each.

    ``mels (b, 5, 1, 80, 16)`` are those of the faces, one a frame.
    """
    found: dict[str, list[Tensor]] = {"faces": [], "others": [], "mels": []}
    for take, start in passages(takes, rng):
        found["faces"].append(faces_of(take, start))
        found["others"].append(faces_of(take, elsewhere(take, start, rng)))
        found["mels"].append(mels_of(take, start))
        if len(found["mels"]) == count:
            break
    return {name: torch.stack(items) for name, items in found.items()}
