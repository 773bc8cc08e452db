"""Where takes show somebody who speaks, and what is heard there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lipkit.audio import windows
from lipkit.audio.mel import SYNCNET, log_mel
from lipkit.errors import BadInput
from lipkit.protocols import Features
from lipkit.sync.hearing import encoder_of
from lipkit.training.data import Footage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

FPS = 25
KEPT = 256  # takes whose mel and features stay in memory
TRIES = 1000


@lru_cache(KEPT)
def mel_of(take: Footage) -> Array:
    """SyncNet's mel ``(t, 80)`` of a take's whole sound."""
    return log_mel(take.wave, SYNCNET)


@lru_cache(KEPT)
def heard_of(take: Footage, encoder: str) -> Features:
    """An encoder's features of a take's whole sound."""
    return encoder_of(encoder).encode(take.wave)


@lru_cache(4 * KEPT)
def starts_of(take: Footage, count: int) -> Array:
    """Where ``count`` frames begin that all show a face and have a whole mel window."""
    if take.fps != FPS:
        raise BadInput(
            f"{take.name}: {float(take.fps):g} frames a second, not {FPS}",
            hint=f"before lipkit align: ffmpeg -i IN -r {FPS} OUT",
        )
    columns = len(mel_of(take)) - windows.mel_window_size(count)
    shown = np.concatenate([[0], np.cumsum(take.valid)])
    places = np.flatnonzero(shown[count:] - shown[:-count] == count)
    return places[[windows.mel_start(int(place)) <= columns for place in places]]


def mel_at(take: Footage, start: int, count: int) -> Tensor:
    """The mel ``(1, 80, t)`` of ``count`` frames from ``start`` on."""
    first = windows.mel_start(start)
    cut = mel_of(take)[first : first + windows.mel_window_size(count)]
    return torch.from_numpy(cut.T.copy()).float()[None]


def passages(
    takes: Sequence[Footage], rng: np.random.Generator, count: int, apart: int
) -> Iterator[tuple[Footage, int, int]]:
    """Takes and two starts in each, ``apart`` frames at least, for ever.

    A take that has no two such places is passed over; BadInput if none is found.
    """
    vain = 0
    while vain < TRIES:
        take = takes[int(rng.integers(len(takes)))]
        places = starts_of(take, count)
        start = int(rng.choice(places)) if len(places) else 0
        others = places[np.abs(places - start) >= apart]
        if len(others):
            vain = 0
            yield take, start, int(rng.choice(others))
        else:
            vain += 1
    raise BadInput(f"no {count + apart} frames of a face that speaks in a row, in {TRIES} tries")
