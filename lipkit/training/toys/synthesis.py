"""A formant synthesizer: the sound of phones, from a buzz, a hiss and the throat's resonances.

After Klatt, "Software for a cascade/parallel formant synthesizer" (1980), with fewer parts: one
cascade of five resonators for what is voiced or breathed, fixed bands of noise for fricatives and
bursts. Formants glide between phones, so sounds blend as lips do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter, sosfilt

from lipkit.training.toys.utterances import Voice
from lipkit.training.voices.visemes import SILENCE, Segment

Floats = NDArray[np.float32]
Array = NDArray[Any]

RATE = 16000
BLOCK = 80  # samples for which the throat holds still
# Hz of the first three formants of an average man, and how loud the voice is.
VOICED = {
    "a": (750, 1200, 2500, 1.0), "ʌ": (640, 1190, 2400, 0.9), "ɛ": (550, 1800, 2500, 0.9),
    "ə": (500, 1450, 2450, 0.7), "i": (280, 2250, 2950, 0.75), "o": (480, 850, 2400, 0.85),
    "u": (310, 750, 2250, 0.7), "m": (250, 1000, 2200, 0.35), "n": (270, 1650, 2600, 0.35),
    "b": (200, 900, 2200, 0.1), "d": (200, 1700, 2600, 0.1), "ɡ": (200, 1950, 2300, 0.1),
    "p": (300, 900, 2200, 0.0), "t": (300, 1700, 2600, 0.0), "k": (300, 1950, 2300, 0.0),
    "f": (300, 1100, 2200, 0.0), "v": (280, 1100, 2200, 0.3), "s": (300, 1700, 2600, 0.0),
    "z": (280, 1700, 2600, 0.25), "ʃ": (300, 1800, 2500, 0.0), "l": (350, 1100, 2700, 0.5),
    "ɹ": (350, 1150, 1600, 0.5), "w": (300, 680, 2200, 0.45), "j": (280, 2250, 3000, 0.5),
    SILENCE: (450, 1400, 2450, 0.0),
}  # fmt: skip
UPPER = (3500.0, 4500.0)  # Hz of the formants that hardly move
WIDTHS = (80.0, 100.0, 130.0, 200.0, 250.0)  # Hz
# Bands of noise: centre and width in Hz.
NOISES = {"f": (6000, 5000), "s": (6200, 1400), "ʃ": (3300, 1400), "p": (900, 900),
          "t": (4200, 2000), "k": (1900, 700)}  # fmt: skip
HISSES = {"f": ("f", 0.1), "v": ("f", 0.05), "s": ("s", 0.32), "z": ("s", 0.18), "ʃ": ("ʃ", 0.42)}
BURSTS = {"p": ("p", 0.6), "b": ("p", 0.35), "t": ("t", 0.5), "d": ("t", 0.25), "k": ("k", 0.6),
          "ɡ": ("k", 0.35)}  # fmt: skip
BURST = 0.022  # seconds before the end of a stop
HOARSE = ("p", "t", "k")  # stops that end in breath


@dataclass(frozen=True)
class Tracks:
    """What the throat does, a row a block: ``formants (t, 5)`` in Hz and loudness ``(t,)``."""

    formants: Array
    voice: Array
    breath: Array
    noises: dict[str, Array]


def speak(segments: list[Segment], voice: Voice, rng: np.random.Generator) -> Floats:
    """The wave ``(n,)`` at 16 kHz of phones in a voice; as long as the phones."""
    samples = round(segments[-1].end * RATE)
    blocks = -(-samples // BLOCK)
    tracks = _tracks(segments, voice, blocks)
    loud = _upsampled(tracks.voice)
    source = loud * _buzz(segments, voice, blocks, rng)
    noise = rng.standard_normal(blocks * BLOCK)
    source += (_upsampled(tracks.breath) + voice.breath * loud) * 0.25 * noise
    wave = _throat(source, tracks.formants)
    for kind, gain in tracks.noises.items():
        centre, width = NOISES[kind]
        wave += _upsampled(gain) * _band(noise, centre * voice.tract**0.5, width)
    wave = wave[:samples] * voice.level / max(1e-3, float(np.abs(wave).max()))
    wave += voice.level * 10 ** (voice.room / 20) * rng.standard_normal(samples)
    return np.asarray(wave.clip(-1, 1), np.float32)


def _tracks(segments: list[Segment], voice: Voice, blocks: int) -> Tracks:
    middle = (np.arange(blocks) + 0.5) * BLOCK / RATE
    ends = np.array([segment.end for segment in segments])
    here = np.searchsorted(ends, middle, "right").clip(0, len(segments) - 1)
    phones = [segment.phone for segment in segments]
    table = np.array([VOICED[phone] for phone in phones])
    formants = np.concatenate([table[:, :3], np.tile(UPPER, (len(phones), 1))], 1)
    stress = np.array([0.75 + 0.25 * segment.stress for segment in segments])
    noises = {kind: np.zeros(blocks) for kind in NOISES}
    breath = np.zeros(blocks)
    for k, segment in enumerate(segments):
        if segment.phone in HISSES:
            kind, gain = HISSES[segment.phone]
            noises[kind][here == k] = gain
        if segment.phone in BURSTS:
            kind, gain = BURSTS[segment.phone]
            noises[kind][(middle > segment.end - BURST) & (middle < segment.end)] = gain
            if segment.phone in HOARSE:
                breath[(middle > segment.end) & (middle < segment.end + 0.03)] = 0.5
    gliding = gaussian_filter1d(formants[here] * voice.tract, 3.5, axis=0)
    return Tracks(
        formants=gliding.clip(150, 7200),
        voice=gaussian_filter1d(table[here, 3] * stress[here], 1.3),
        breath=gaussian_filter1d(breath, 1.0),
        noises={kind: gaussian_filter1d(track, 0.8) for kind, track in noises.items()},
    )


def _upsampled(track: Array) -> Array:
    """A value a block as one a sample, without steps."""
    place = (np.arange(len(track)) + 0.5) * BLOCK
    return np.interp(np.arange(len(track) * BLOCK), place, track)


def _buzz(
    segments: list[Segment], voice: Voice, blocks: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Pulses of the vocal folds: a band-limited pulse train, dulled."""
    time = (np.arange(blocks) + 0.5) * BLOCK / RATE
    tune = np.zeros(blocks)
    for segment in segments:
        if segment.stress:
            tune += np.exp(-(((time - (segment.start + segment.end) / 2) / 0.12) ** 2))
    drift = gaussian_filter1d(rng.standard_normal(blocks), 40) * 6
    pitch = voice.pitch * 2 ** (voice.melody * (0.6 * tune + 0.3 * drift - 0.3) / 12)
    pitch *= 1 + 0.006 * rng.standard_normal(blocks)
    f0 = _upsampled(pitch)
    phase = np.cumsum(2 * np.pi * f0 / RATE)
    # As many harmonics as fit under 7 kHz for the highest note, summed in closed form.
    n = int(7000 // float(f0.max()))
    half = np.sin(phase / 2)
    half = np.where(np.abs(half) < 1e-6, 1e-6, half)
    pulses = np.sin((n + 0.5) * phase) / half / (2 * n)
    pulses -= pulses.mean()
    dull = 0.75 + 0.2 * voice.tilt
    return np.asarray(lfilter([1 - dull], [1, -dull], pulses) * 4, np.float64)


def _throat(source: Array, formants: Array) -> Array:
    """The source through five resonators in a row, whose frequencies change from block to block."""
    r = np.exp(-np.pi * np.array(WIDTHS) / RATE)
    first = -2 * r * np.cos(2 * np.pi * formants / RATE)
    sections = np.zeros((*formants.shape, 6))
    sections[..., 0] = 1 + first + r**2  # unit gain at zero frequency
    sections[..., 3], sections[..., 4], sections[..., 5] = 1, first, r**2
    state = np.zeros((formants.shape[1], 2))
    wave = np.empty_like(source)
    for k, filters in enumerate(sections):
        block = slice(k * BLOCK, (k + 1) * BLOCK)
        wave[block], state = sosfilt(filters, source[block], zi=state)
    return np.diff(wave, prepend=0.0) * 4  # lips radiate the change of the flow


def _band(noise: Array, centre: float, width: float) -> Array:
    """Noise about a frequency, of unit strength."""
    r = np.exp(-np.pi * width / RATE)
    cosine = np.cos(2 * np.pi * min(centre, 7500.0) / RATE)
    wave = lfilter([1, 0, -1], [1, -2 * r * cosine, r * r], noise)
    return np.asarray(wave / max(1e-9, float(wave.std())))
