"""What is heard in a piece of footage: speech, and how far it stands above the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.filters.verdicts import Value
from lipkit.metrics import quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

RATE = quality.RATE


def heard(wave: Array, start: float, count: int, shift: float = 0.0) -> Array:
    """``count`` samples ``(n,)`` of ``wave`` from ``start`` seconds on, ``shift`` seconds later.

    A shift above nought takes what was heard before; beyond the ends there is silence.
    """
    first = round((start - shift) * RATE)
    part = wave[max(0, first) : max(0, first + count)]
    before = min(count, max(0, -first))
    return np.pad(part, (before, count - before - len(part)))


def speech_of(wave: Array) -> NDArray[np.bool_]:
    """Where in ``wave (n,)`` somebody speaks ``(n,)``."""
    from lipkit.audio.silero import segments

    return quality.mask_of(segments(np.asarray(wave, np.float32)), len(wave))


def speech_share(wave: Array, speech: Array) -> Value:
    """Share of the time in which somebody speaks."""
    return Value(float(speech.mean())) if len(speech) else Value(None, "no sound")


def snr(wave: Array, speech: Array) -> Value:
    """Signal-to-noise ratio in dB; without pauses nothing is known against the sound."""
    found = quality.snr(wave, speech)
    if found is not None:
        return Value(found)
    if not speech.any():
        return Value(None, "nobody speaks")
    if len(speech) - int(speech.sum()) < quality.SHORTEST * RATE:
        return Value(None, "no pause in the speech to hear the noise in", stays=True)
    return Value(None, "the rest is as loud as the speech")


MEASURES = {"speech_share": speech_share, "snr": snr}
