"""What models of crops hear: one encoder a process, and a window of its steps for each frame."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from lipkit import registry
from lipkit.audio import windows
from lipkit.protocols import AudioEncoder, Features


@cache
def encoder_of(name: str) -> AudioEncoder:
    """The encoder that a model hears with, loaded once a process."""
    encoder: AudioEncoder = registry.resolve(registry.ENCODERS, name, "encoder")()
    return encoder


def windows_of(
    voice: Features,
    fps: int,
    first: int,
    count: int,
    span: tuple[int, int],
    fill: float | None = None,
) -> Features:
    """Windows ``(count, w * l, d)`` for ``count`` frames of a clock from its frame ``first`` on.

    ``span`` counts steps before and after the step that a frame begins in. Beyond the ends of the
    voice lies ``fill``, or the end step over and over.
    """
    middles = windows.centres(count, voice.rate, Fraction(fps), first)
    length = len(voice.data)
    data = windows.cut(voice.data, windows.rows(middles, *span, length))
    if fill is not None:
        steps = middles[:, None] + np.arange(-span[0], span[1] + 1)
        beyond = (steps < 0) | (steps >= length)
        data[beyond.repeat(voice.data.shape[1], 1)] = fill
    return Features(data, Fraction(fps), voice.encoder)
