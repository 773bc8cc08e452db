"""Which audio steps belong to which video frame: pure index arithmetic, and the cutting itself.

Features keep their encoder's rate in files; a window per video frame is cut when it is used. The
plain rule is `windows`; the other functions are the rules that official codes trained with, kept
to the letter, because a network knows only the windows that it was trained on.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from lipkit.protocols import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Indices = NDArray[np.int64]

MEL_RATE = 80  # columns a second of the Wav2Lip and SyncNet mel


def centres(count: int, rate: Fraction | float, fps: Fraction | float, start: int = 0) -> Indices:
    """The audio step ``(count,)`` that each video frame from ``start`` on begins in.

    Exact for fractions. Official codes compute in floating point: give them a float ``fps``.
    """
    if isinstance(fps, float) or isinstance(rate, float):
        steps = [int(i * float(rate) / float(fps)) for i in range(start, start + count)]
        return np.array(steps, np.int64)
    ratio = Fraction(rate) / Fraction(fps)
    exact = [i * ratio.numerator // ratio.denominator for i in range(start, start + count)]
    return np.array(exact, np.int64)


def rows(middles: Indices, left: int, right: int, length: int) -> Indices:
    """Steps ``(f, left + 1 + right)`` around each middle; beyond the ends the end step repeats."""
    span = np.arange(-left, right + 1)
    steps: Indices = np.clip(middles[:, None] + span, 0, max(length - 1, 0))
    return steps


def cut(data: Floats, steps: Indices) -> Floats:
    """Windows ``(f, w * l, d)`` of ``data (t, l, d)``: time outermost, layer innermost."""
    _, layers, width = data.shape
    return data[steps].reshape(len(steps), steps.shape[1] * layers, width)


def windows(features: Features, fps: Fraction | float, count: int, left: int, right: int) -> Floats:
    """One window ``(count, w, d)`` of features a video frame, ``w = (left + 1 + right) * layers``.

    A window holds ``left`` steps before and ``right`` after the step in which its frame begins;
    beyond the ends the end step repeats.
    """
    middles = centres(count, features.rate, fps)
    return cut(features.data, rows(middles, left, right, len(features.data)))


def frame_count(features: Features, fps: Fraction | float) -> int:
    """Video frames that begin while the sound lasts."""
    return math.ceil(len(features.data) * Fraction(fps) / features.rate)


def overrun(length: int, rate: float, fps: float) -> int:
    """How many windows LatentSync and MuseTalk 1.0 make of ``length`` steps.

    They go on up to and including the first frame that begins *beyond* the last step: at 25 fps
    two frames more than the sound has.
    """
    count = 1
    while int((count - 1) * rate / fps) <= length:
        count += 1
    return count


def latentsync_rows(
    length: int, fps: float, context: tuple[int, int] = (2, 2), *, start: int = 0, count: int = -1
) -> Indices:
    """LatentSync's windows as steps ``(f, 10)``: at 50 steps a second, two steps to a frame.

    ``context`` counts frames before and after; with no ``count``, as many as inference makes.
    """
    count = overrun(length, 50, fps) if count < 0 else count
    before, after = context
    return rows(centres(count, 50, float(fps), start), 2 * before, 2 * after + 1, length)


def sparse_rows(length: int, fps: float, count: int, context: tuple[int, int] = (2, 2)) -> Indices:
    """MuseTalk 1.0's sparse windows as steps ``(f, 10)``: a pair of steps for each near frame."""
    before, after = context
    frames = np.arange(count)[:, None] + np.arange(-before, after + 1)
    ends = np.trunc(frames * 50 / fps).astype(np.int64)
    inside = (ends >= 1) & (ends <= length - 1)
    ends = np.clip(ends, 0, length - 1)
    pairs = np.stack([np.where(inside, ends - 1, ends), ends], axis=-1)
    return pairs.reshape(count, -1)


def musetalk_chunks(
    data: Floats, samples: int, fps: float, left: int = 2, right: int = 2, rate: int = 16000
) -> Floats:
    """MuseTalk's windows ``(f, 10 * l, d)`` of ``data (t, l, d)`` at 50 Hz: zeros beyond the ends.

    It drops the fraction of ``fps``, so that at 29.97 fps its audio drifts; give the sync stage
    whole rates.
    """
    whole = int(fps)
    ratio = 50 / whole
    data = data[: math.floor(samples / rate * 50)]
    lead = math.ceil(ratio) * left
    tail = math.ceil(ratio) * 3 * right
    span = 2 * (left + 1 + right)
    long = np.pad(data, ((lead, tail + span), (0, 0), (0, 0)))
    count = math.floor(samples / rate * whole)
    starts = np.array([math.floor(i * ratio) for i in range(count)], np.int64)
    return cut(long, starts[:, None] + np.arange(span))


def mel_starts(columns: int, fps: float, size: int = 16) -> Indices:
    """First columns ``(f,)`` of Wav2Lip's mel chunks; the last chunk is flush with the end."""
    step = MEL_RATE / fps
    starts: list[int] = []
    while int(len(starts) * step) + size <= columns:
        starts.append(int(len(starts) * step))
    return np.array([*starts, max(columns - size, 0)], np.int64)


def mel_start(frame: int, fps: float = 25.0) -> int:
    """First column of the mel window that starts with a video frame (SyncNet training)."""
    return int(MEL_RATE * (frame / fps))


def mel_window_size(frames: int) -> int:
    """Mel columns that ``frames`` video frames at 25 fps span: 52 for 16, 16 for 5."""
    return math.ceil(frames * 16 / 5)


def segment_starts(frame: int, fps: float = 25.0, count: int = 5) -> Indices:
    """First columns of the mels that Wav2Lip trains with for a clip of ``count`` frames.

    The window of a frame starts one frame before it.
    """
    return np.array([mel_start(frame - 1 + i, fps) for i in range(count)], np.int64)


def extend(length: int, count: int, how: Literal["pingpong", "loop", "hold"]) -> Indices:
    """Which of ``length`` source frames each of ``count`` output frames shows.

    ``pingpong`` runs forwards and backwards and shows the turning frame twice, as LatentSync does.
    """
    every = np.arange(count)
    if how == "hold":
        return np.minimum(every, length - 1)
    if how == "loop":
        return every % length
    place = every % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)
