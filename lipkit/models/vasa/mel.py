"""Log-mel power at 100 Hz, four rows for every motion frame, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.audio.mel import SPEECH64, spectra

RATE = 16000
FPS = 25
ROWS = 4  # mel rows in a motion frame
FLOOR = 1e-9

Mel = NDArray[np.float16]


def frame_count(samples: int) -> int:
    """Motion frames of so much sound: the nearest whole number, at least one."""
    return max(1, round(Fraction(samples * FPS, RATE)))


def log_mel(chunks: Iterable[NDArray[np.float32]]) -> Mel:
    """Log10 mel power ``(4 f, 64)`` of 16 kHz sound in chunks ``(n,)``.

    Half precision keeps an hour of sound in 46 MB; the wave itself is never held. Samples that
    are no numbers count as silence.
    """
    samples = 0

    def counted() -> Iterator[NDArray[np.float32]]:
        nonlocal samples
        for chunk in chunks:
            samples += len(chunk)
            yield chunk

    pieces = list(streamed(counted()))
    rows = np.concatenate(pieces) if pieces else np.zeros((0, SPEECH64.bands), np.float16)
    return fitted(rows, frame_count(samples))


def streamed(chunks: Iterable[NDArray[np.float32]]) -> Iterator[Mel]:
    """Pieces ``(t, 64)`` of the same, as soon as the sound for them has come."""
    clean = (np.nan_to_num(chunk, posinf=0, neginf=0) for chunk in chunks)
    for power in spectra(clean, SPEECH64):
        yield np.log10(power + FLOOR).astype(np.float16)


def fitted(rows: NDArray[Any], frames: int) -> Mel:
    """Log10 mel power ``(t, 64)`` cut, or filled with silence, to so many motion frames."""
    wanted = ROWS * frames
    rows = np.maximum(rows[:wanted], np.log10(FLOOR)).astype(np.float16)
    missing = wanted - len(rows)
    return np.pad(rows, ((0, missing), (0, 0)), constant_values=np.log10(FLOOR))
