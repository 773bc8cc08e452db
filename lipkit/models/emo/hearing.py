"""What a frame hears: features of a sound, a window of them a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit import registry
from lipkit.errors import BadInput
from lipkit.models.emo.config import HearingConfig

Array = NDArray[Any]

AT_FRAMES = ("wav2vec2-base-960h", "hubert-base")  # encoders that step once a frame


@cache
def encoder_of(form: HearingConfig, fps: Fraction) -> Any:
    """The encoder that the model hears with, loaded once a process."""
    options = {"fps": fps} if form.encoder in AT_FRAMES else {}
    return registry.resolve(registry.ENCODERS, form.encoder, "encoder")(**options)


def framed(pieces: Iterable[Array], layers: int) -> Iterator[Array]:
    """Pieces ``(t, l, d)`` with ``layers`` layers a frame: steps of one frame become layers."""
    held: Array | None = None
    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece])
        whole = len(held) * held.shape[1] // layers
        used = whole * layers // held.shape[1]
        if whole:
            yield held[:used].reshape(whole, layers, held.shape[2])
        held = held[used:]


def clipped(pieces: Iterable[Array], window: int, margin: int, total: int) -> Iterator[Tensor]:
    """Clips ``(window, 2 margin + 1, l, d)`` of what ``total`` frames hear, from any pieces of it.

    Beyond the ends the first and last frame's sound repeats; the last clip is filled up so.
    """
    source = iter(pieces)
    held = next(source, None)
    if held is None:
        raise BadInput("this sound is too short to hear anything in it")
    held = np.concatenate([held[:1]] * margin + [held])
    for _ in range(0, total, window):
        while len(held) < window + 2 * margin:
            piece = next(source, None)
            held = np.concatenate([held, held[-1:] if piece is None else piece])
        rows = np.arange(window)[:, None] + np.arange(2 * margin + 1)
        yield torch.from_numpy(held[rows])
        held = held[window:]
