"""Long sound in overlapped windows, joined so that no joint can be seen in the features.

An encoder that hears 30 s at a time and starts anew every 30 s makes features that jump there, and
lips that twitch. Here windows overlap, and within the overlap one fades into the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lipkit.audio.speech import at_rate, silence_of_chunks
from lipkit.protocols import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Chunks = Callable[[], Iterable[Floats]]  # may be asked more than once, for the same sound


class StreamEncoder(Protocol):
    """An audio encoder that takes sound in chunks and gives features in pieces."""

    @property
    def name(self) -> str:
        """Name of the encoder, as ``--encoder`` takes it."""
        ...

    @property
    def rate(self) -> Fraction:
        """Feature steps a second."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and width of a feature step."""
        ...

    def count(self, samples: int) -> int:
        """Feature steps of a sound of so many samples."""
        ...

    def stream(self, chunks: Chunks) -> Iterator[Floats]:
        """Pieces ``(t, l, d)`` of the features of a sound; asks for the sound twice."""
        ...


def embed(
    encoder: StreamEncoder, chunks: Chunks, advance: Callable[[int], object] | None = None
) -> Features:
    """All features of a sound at 16 kHz, with the track of its silences.

    ``advance`` hears of every few steps done. Samples that are no numbers count as silence.
    """
    samples = 0

    def clean() -> Iterator[Floats]:
        for chunk in chunks():
            yield np.nan_to_num(chunk, posinf=0.0, neginf=0.0)

    def counted() -> Iterator[Floats]:
        nonlocal samples
        for chunk in clean():
            samples += len(chunk)
            yield chunk

    silent = silence_of_chunks(counted())
    count = encoder.count(samples)
    data = np.empty((count, *encoder.shape), np.float32)
    done = 0
    for piece in encoder.stream(clean):
        data[done : done + len(piece)] = piece
        done += len(piece)
        if advance is not None:
            advance(len(piece))
    if done != count:
        raise AssertionError(f"{encoder.name} gave {done} steps for {samples} samples, not {count}")
    track = at_rate(silent, count, encoder.rate)
    return Features(data, encoder.rate, encoder.name, track)


def blocks(pieces: Iterable[Floats], size: int, stride: int) -> Iterator[tuple[int, Floats]]:
    """Windows of ``size`` rows every ``stride`` rows with their first row; the last is shorter."""
    buffer: list[Floats] = []
    held = start = 0
    for piece in pieces:
        buffer.append(piece)
        held += len(piece)
        while held > size:  # at least one more row follows, so this window is not the last
            rows = np.concatenate(buffer)
            yield start, rows[:size]
            buffer, held, start = [rows[stride:]], held - stride, start + stride
    if held:
        yield start, np.concatenate(buffer)


def crossfaded(pieces: Iterable[tuple[int, Floats]]) -> Iterator[Floats]:
    """Rows without joints from pieces that begin at given rows and overlap their neighbours."""
    held, start = np.zeros((0,), np.float32), 0
    for first, piece in pieces:
        if held.ndim == piece.ndim:
            shared = start + len(held) - first
            yield held[: len(held) - shared]
            weight = fade(shared).reshape(-1, *(1,) * (piece.ndim - 1))
            before = held[len(held) - shared :]
            piece = np.concatenate([before + (piece[:shared] - before) * weight, piece[shared:]])
        held, start = piece, first
    if held.ndim > 1:
        yield held


def fade(count: int) -> Floats:
    """Weights ``(count,)`` rising smoothly from 0 to 1."""
    place = (np.arange(count) + 0.5) / max(count, 1)
    return (0.5 - 0.5 * np.cos(np.pi * place)).astype(np.float32)


def statistics(chunks: Iterable[Floats]) -> tuple[int, float, float]:
    """Number, mean and variance of all samples."""
    count, total, squares = 0, 0.0, 0.0
    for chunk in chunks:
        exact = chunk.astype(np.float64)
        count += len(exact)
        total += float(exact.sum())
        squares += float(np.square(exact).sum())
    mean = total / max(count, 1)
    return count, mean, max(squares / max(count, 1) - mean * mean, 0.0)
