"""Where nobody speaks: a voice activity track from energy and spectrum, without weights.

Levels are judged against the recording's own noise floor and loud passages, so neither a hissing
microphone nor a quiet speaker needs a setting. Music passes for speech.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from lipkit.audio.mel import SPEECH64, gathered, mel_power, spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Flags = NDArray[np.bool_]

RATE = SPEECH64.frame_rate


@dataclass(frozen=True)
class Voicing:
    """What counts as speech: levels in decibels, times in seconds."""

    above_floor: float = 0.3  # of the way from the noise floor to the loud passages, ...
    depth: float = 40.0  # ... but never further than this below the loud passages: breath is softer
    contrast: float = 9.0  # a recording with less between floor and loud is all noise
    audible: float = -75.0  # loud passages below this are no sound at all (0 is full scale)
    band_excess: float = 6.0  # a band stands out when it is this far above its own floor
    bands: float = 0.15  # the share of bands that stand out in speech: hum fills fewer
    hysteresis: float = 3.0  # speech starts this far above the level at which it ends
    lead: float = 0.05  # speech starts this much before it is heard
    hangover: float = 0.12  # and ends this much after
    shortest_speech: float = 0.1  # shorter is a click, which smoothing makes 70 ms long
    shortest_silence: float = 0.2  # shorter is part of speech: a closure, a breath


def silence(power: Floats, voicing: Voicing | None = None) -> Flags:
    """Whether nobody speaks ``(t,)`` in each frame of ``power (t, 64)``, a `SPEECH64` mel."""
    rule = voicing or Voicing()
    if not len(power):
        return np.zeros(0, np.bool_)
    bands = decibels(ndimage.uniform_filter1d(power, 5, axis=0, mode="nearest"))
    level = decibels(ndimage.uniform_filter1d(power.sum(axis=1), 5, mode="nearest"))
    loud = float(np.percentile(level, 95))
    floor = max(float(np.percentile(level, 5)), loud - 60.0)
    if loud < rule.audible or loud - floor < rule.contrast:
        return np.ones(len(power), np.bool_)
    threshold = max(floor + rule.above_floor * (loud - floor), loud - rule.depth)
    floors = np.maximum(np.percentile(bands, 5, axis=0), bands.max() - 60.0)
    wide = (bands > floors + rule.band_excess).mean(axis=1) >= rule.bands
    sure = (level > threshold + rule.hysteresis) & wide
    spoken = ndimage.binary_propagation(sure, mask=level > threshold)
    return ~tidied(spoken, rule)


def tidied(spoken: Flags, rule: Voicing) -> Flags:
    """The speech track without clicks and tiny gaps, widened by lead and hangover."""
    spoken = ndimage.binary_opening(spoken, np.ones(frames(rule.shortest_speech)))
    lead, hangover = frames(rule.lead), frames(rule.hangover)
    reach = np.pad(spoken, (hangover, lead))  # frame i looks at i - hangover .. i + lead
    views = np.lib.stride_tricks.sliding_window_view(reach, lead + hangover + 1)
    gap = frames(rule.shortest_silence)
    closed: Flags = ndimage.binary_closing(np.pad(views.any(axis=1), gap), np.ones(gap))
    return closed[gap:-gap]


def frames(seconds: float) -> int:
    """Mel frames in so many seconds, at least one."""
    return max(1, round(seconds * RATE))


def decibels(power: Floats) -> Floats:
    """Levels re full scale: a loud voice lies around -20, digital silence at -140."""
    # a full-scale sine fills its window with 1e4 times the power of one sample
    level: Floats = np.log10(np.maximum(power * np.float32(1e-4), np.float32(1e-14)))
    level *= np.float32(10.0)
    return level


def silence_of(wave: Floats) -> Flags:
    """The silence track ``(t,)`` of ``wave (n,)`` at 16 kHz, 100 frames a second."""
    return silence(mel_power(wave, SPEECH64))


def silence_of_chunks(chunks: Iterable[Floats]) -> Flags:
    """The same for sound in chunks; holds 64 numbers for 10 ms."""
    return silence(gathered(spectra(chunks, SPEECH64), SPEECH64.bands))


def at_rate(track: Flags, count: int, rate: Fraction) -> Flags:
    """The track at another rate: a step ``(count,)`` is silent if all that it covers is."""
    if not len(track):
        return np.ones(count, np.bool_)
    step = RATE / rate
    starts = np.array([int(i * step) for i in range(count)], np.int64)
    ends = np.array([-int(-(i + 1) * step // 1) for i in range(count)], np.int64)
    spoken = np.concatenate([[0], np.cumsum(~track)])
    last = len(track)
    starts = np.minimum(starts, last - 1)
    quiet: Flags = spoken[np.clip(ends, starts + 1, last)] == spoken[starts]
    return quiet
