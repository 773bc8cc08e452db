"""The sound that CAPP hears, of clips and of spoken corpora."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.audio.mel import SPEECH64, mel_power

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SAMPLES = 320  # of sound in a step at 50 Hz
FLOOR = 1e-9


def heard(wave: Array, encoder: str) -> Array:
    """Features ``(2 f, a)`` at 50 Hz of 16 kHz ``wave (n,)``, f whole frames at 25 a second."""
    steps = 2 * (len(wave) // (2 * SAMPLES))
    if encoder == "mel":
        return paired(log_mel(wave))[:steps]
    from lipkit import registry

    features = registry.resolve(registry.ENCODERS, encoder, "encoder")().encode(wave)
    rows = features.data[:, -1]
    return np.pad(rows, ((0, max(0, steps - len(rows))), (0, 0)), mode="edge")[:steps]


def log_mel(wave: Array) -> Array:
    """Log10 mel power ``(t, 64)`` at 100 Hz, in half precision."""
    return np.log10(mel_power(wave, SPEECH64) + FLOOR).astype(np.float16)


def paired(mel: Array) -> Array:
    """Log-mel ``(2 t, 64)`` at 100 Hz as ``(t, 128)`` at 50 Hz."""
    even = mel[: len(mel) // 2 * 2]
    return even.reshape(len(even) // 2, -1).astype(np.float32)
