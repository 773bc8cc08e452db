"""Mel-frequency cepstral coefficients as python_speech_features computes them, for SyncNet.

Its habits are part of SyncNet's weights: a rectangular window, filter corners on whole bins, and
the first coefficient replaced by the logarithm of the frame's energy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from lipkit.audio.mel import hertz_to_mel, mel_to_hertz

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

BLOCK = 8192  # frames transformed at once; bounds the memory
TINY = np.finfo(np.float64).eps  # stands for silence, whose logarithm there is none


@dataclass(frozen=True)
class MfccSpec:
    """How sound becomes coefficients; lengths in samples, frequencies in Hz."""

    rate: int = 16000
    window: int = 400
    hop: int = 160
    fft: int = 512
    filters: int = 26
    fmin: float = 0.0
    fmax: float = 8000.0
    count: int = 13
    preemphasis: float = 0.97
    lifter: int = 22

    def frames(self, samples: int) -> int:
        """Frames of a sound of so many samples; the last one is filled up with zeros."""
        return 1 + max(0, math.ceil((samples - self.window) / self.hop))


SYNCNET = MfccSpec()


@cache
def filter_bank(spec: MfccSpec) -> Doubles:
    """Triangular filters ``(filters, fft // 2 + 1)`` whose corners are rounded down to bins."""
    ends = hertz_to_mel(np.array([spec.fmin, spec.fmax], np.float64), "htk")
    hertz = mel_to_hertz(np.linspace(ends[0], ends[1], spec.filters + 2), "htk")
    corners = np.floor((spec.fft + 1) * hertz / spec.rate)
    bins = np.arange(spec.fft // 2 + 1, dtype=np.float64)
    low, mid, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (bins >= low) & (bins < mid)
    falling = (bins >= mid) & (bins < high)
    bank = np.zeros((spec.filters, len(bins)))
    np.divide(bins - low, mid - low, out=bank, where=rising)
    np.divide(high - bins, high - mid, out=bank, where=falling)
    bank.flags.writeable = False  # it is cached
    return bank


def mfcc(pcm: NDArray[Any], spec: MfccSpec = SYNCNET) -> Doubles:
    """Coefficients ``(count, t)`` of ``pcm (n,)``, 16-bit values as they are, not scaled to 1."""
    if not len(pcm):
        return np.zeros((spec.count, 0))
    blocks = range(0, spec.frames(len(pcm)), BLOCK)
    return np.concatenate([_block(pcm, first, spec) for first in blocks], axis=1)


def _block(pcm: NDArray[Any], first: int, spec: MfccSpec) -> Doubles:
    """Coefficients ``(count, t)`` of up to ``BLOCK`` frames from frame ``first`` on."""
    count = min(BLOCK, spec.frames(len(pcm)) - first)
    start, size = first * spec.hop, (count - 1) * spec.hop + spec.window
    sound = pcm[max(start - 1, 0) : start + size].astype(np.float64)
    lifted = sound[1:] - spec.preemphasis * sound[:-1]
    lifted = lifted if start else np.concatenate([sound[:1], lifted])
    # zeros after the emphasis, so that the end of the sound is no edge
    padded = np.pad(lifted, (0, size - len(lifted)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, spec.window)[:: spec.hop]
    power = np.abs(scipy.fft.rfft(frames, spec.fft)) ** 2 / spec.fft
    bands = power @ filter_bank(spec).T
    logs = np.log(np.where(bands == 0, TINY, bands))
    cepstrum = scipy.fft.dct(logs, type=2, norm="ortho")[:, : spec.count]
    order = np.arange(spec.count)
    cepstrum = cepstrum * (1 + spec.lifter / 2 * np.sin(np.pi * order / spec.lifter))
    energy = power.sum(1)
    cepstrum[:, 0] = np.log(np.where(energy == 0, TINY, energy))
    return np.ascontiguousarray(cepstrum.T)


def to_pcm(wave: NDArray[np.float32]) -> NDArray[np.int16]:
    """The 16-bit values ``(n,)`` of ``wave (n,)`` in -1..1; exact for sound that had 16 bits."""
    pcm: NDArray[np.int16] = np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)
    return pcm
