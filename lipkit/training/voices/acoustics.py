"""Other throats, rooms and microphones for a synthesizer's voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from lipkit.training.voices.synthesizers import RATE, Utterance
from lipkit.training.voices.visemes import Segment

Wave = NDArray[np.float32]
STEPS = 50  # resampling ratios are multiples of 1/50


def variants(
    utterance: Utterance, rng: np.random.Generator
) -> Iterator[tuple[Wave, list[Segment]]]:
    """The utterance as it is, with another throat, and with another throat in another room."""
    yield _normalised(utterance.wave), utterance.segments
    yield _resampled(utterance, rng)
    wave, segments = _resampled(utterance, rng)
    yield _normalised(_room(wave, rng)), segments


def _normalised(wave: NDArray[np.floating]) -> Wave:
    return (wave / max(1e-3, float(np.abs(wave).max()))).astype(np.float32)


def _resampled(utterance: Utterance, rng: np.random.Generator) -> tuple[Wave, list[Segment]]:
    """Pitch, formants and tempo changed together, as by a longer or shorter throat."""
    ratio = round(float(rng.uniform(0.86, 1.17)) * STEPS) / STEPS
    wave = resample_poly(utterance.wave, round(ratio * STEPS), STEPS)
    segments = [replace(s, start=s.start * ratio, end=s.end * ratio) for s in utterance.segments]
    return _normalised(wave), segments


def _room(wave: Wave, rng: np.random.Generator) -> Wave:
    """A random room, then perhaps a narrow band and an overdriven amplifier."""
    heard = fftconvolve(wave, _impulse_response(rng))[: len(wave)]
    if rng.random() < 0.5:
        band = [rng.uniform(60, 300), rng.uniform(3000, 7500)]
        heard = sosfilt(butter(2, band, "bandpass", fs=RATE, output="sos"), heard)
    if rng.random() < 0.4:
        heard = np.tanh(heard / max(1e-6, np.abs(heard).max()) * rng.uniform(1, 4))
    return np.asarray(heard, np.float32)


def _impulse_response(rng: np.random.Generator) -> NDArray[np.float64]:
    """Direct sound, six early reflections and a tail of 0.12 to 0.7 s down to -60 dB."""
    length = int(rng.uniform(0.12, 0.7) * RATE)
    decay = np.exp(-6.9 * np.arange(length) / length)
    response = rng.standard_normal(length) * decay * 0.06 * rng.uniform(0.3, 1.5)
    response[: int(rng.uniform(20, 100))] = 0
    response[0] = 1
    for _ in range(6):
        response[int(rng.uniform(16, 500))] += rng.uniform(-0.5, 0.5)
    return response
