"""Mel spectrograms: one implementation, described by a `MelSpec`, for every model that hears mels.

Everything streams: frames of chunked sound equal those of the same sound in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy.fft

from lipkit.protocols import Features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Chunks = Callable[[], Iterable[Floats]]  # may be asked more than once, for the same sound

BLOCK = 4096  # frames transformed at once; bounds the memory


@dataclass(frozen=True)
class MelSpec:
    """How sound becomes a mel spectrogram; lengths in samples, frequencies in Hz.

    Frame i looks at ``window`` samples from ``i * hop - left`` on, zero-padded to ``fft``.
    """

    hop: int
    window: int
    fft: int
    bands: int
    fmin: float
    fmax: float
    rate: int = 16000
    scale: Literal["htk", "slaney"] = "slaney"
    norm: Literal["slaney"] | None = "slaney"  # slaney: every band has the same area
    power: Literal[1, 2] = 2  # 1: magnitude
    left: int | None = None  # samples of the first frame before the sound; None: half the window
    padding: Literal["reflect", "zero"] = "reflect"
    closed: bool = False  # whether a last frame is centred on the end of the sound
    preemphasis: float = 0.0
    log: Literal["none", "log10", "whisper", "decibel"] = "none"

    @property
    def margin(self) -> int:
        """Samples of padding before the sound."""
        return self.window // 2 if self.left is None else self.left

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.rate, self.hop)

    def count(self, samples: int) -> int:
        """Frames of a sound of so many samples."""
        return samples // self.hop + self.closed


WHISPER = MelSpec(hop=160, window=400, fft=400, bands=80, fmin=0, fmax=8000, log="whisper")
# Wav2Lip's; LatentSync's and most later SyncNets hear the same. Wav2Lip pinned a librosa that
# padded by reflection, later ones pad with zeros.
SYNCNET = MelSpec(
    hop=200,
    window=800,
    fft=800,
    bands=80,
    fmin=55,
    fmax=7600,
    power=1,
    padding="zero",
    closed=True,
    preemphasis=0.97,
    log="decibel",
)
# Fine in time, for motion: four frames to a video frame at 25 fps, each centred on its own 10 ms.
SPEECH64 = MelSpec(
    hop=160,
    window=400,
    fft=512,
    bands=64,
    fmin=60,
    fmax=7600,
    scale="htk",
    norm=None,
    left=120,
    padding="zero",
    log="log10",
)


def hertz_to_mel(hertz: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Mels of frequencies; Slaney's scale is linear below 1 kHz and logarithmic above."""
    if scale == "htk":
        return 2595.0 * np.log10(1.0 + hertz / 700.0)
    above = 15.0 + 27.0 * np.log(np.maximum(hertz, 1e-9) / 1000.0) / np.log(6.4)
    return np.where(hertz >= 1000.0, above, hertz * 3.0 / 200.0)


def mel_to_hertz(mel: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Frequencies of mels."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    return np.where(mel >= 15.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0), mel * 200.0 / 3.0)


@cache
def filter_bank(spec: MelSpec) -> Floats:
    """Triangular filters ``(bands, fft // 2 + 1)`` over the bins of the transform.

    transformers has the same, but importing it costs half a second on the path of every command.
    """
    ends = hertz_to_mel(np.array([spec.fmin, spec.fmax], np.float64), spec.scale)
    corners = mel_to_hertz(np.linspace(ends[0], ends[1], spec.bands + 2), spec.scale)
    bins = np.linspace(0.0, spec.rate / 2, spec.fft // 2 + 1)
    low, mid, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    bank = np.maximum(0.0, np.minimum((bins - low) / (mid - low), (high - bins) / (high - mid)))
    if spec.norm == "slaney":
        bank *= 2.0 / (high - low)
    result = bank.astype(np.float32)
    result.flags.writeable = False  # it is cached
    return result


@cache
def hann(size: int) -> Floats:
    """The periodic Hann window ``(size,)``."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    return window.astype(np.float32)


def emphasised(chunks: Iterable[Floats], factor: float) -> Iterator[Floats]:
    """The chunks with high frequencies lifted: ``y[t] = x[t] - factor * x[t - 1]``."""
    last = np.zeros(1, np.float32)
    for chunk in chunks:
        if len(chunk):
            lifted = chunk - factor * np.concatenate([last, chunk[:-1]])
            yield lifted.astype(np.float32, copy=False)
            last = chunk[-1:]


def padded(chunks: Iterable[Floats], spec: MelSpec) -> Iterator[Floats]:
    """The chunks with the padding that the spec wants before and after the sound."""
    margin, behind = spec.margin, spec.window
    kept = np.zeros(0, np.float32)  # enough of the newest samples to mirror
    started = False
    for chunk in chunks:
        kept = np.concatenate([kept, np.asarray(chunk, np.float32)])
        if not started and len(kept) > margin:
            yield pad(kept, margin, 0, spec.padding)[:margin]
            started = True
        if started and len(kept) > behind + 1:
            yield kept[: -(behind + 1)]
            kept = kept[-(behind + 1) :]
    if len(kept):
        yield pad(kept, 0 if started else margin, behind, spec.padding)


def pad(wave: Floats, before: int, after: int, kind: str) -> Floats:
    """``wave (n,)`` with so many samples of padding on each side, mirrored or zero."""
    if kind == "zero":
        return np.pad(wave, (before, after))
    return np.pad(wave, (before, after), mode="reflect")


def spectra(chunks: Iterable[Floats], spec: MelSpec) -> Iterator[Floats]:
    """Pieces ``(t, bands)`` of the linear mel spectrogram of the chunked sound."""
    samples = done = 0

    def counted() -> Iterator[Floats]:
        nonlocal samples
        for chunk in chunks:
            samples += len(chunk)
            yield chunk

    sound: Iterable[Floats] = counted()
    if spec.preemphasis:
        sound = emphasised(sound, spec.preemphasis)
    buffer = np.zeros(0, np.float32)
    for chunk in padded(sound, spec):
        buffer = np.concatenate([buffer, chunk])
        while len(buffer) >= spec.window:
            # the last chunk carries padding for more frames than the sound has
            count = min(BLOCK, (len(buffer) - spec.window) // spec.hop + 1)
            count = min(count, spec.count(samples) - done)
            if count <= 0:
                break
            yield spectrum(buffer, count, spec)
            buffer = buffer[count * spec.hop :]
            done += count


def spectrum(wave: Floats, count: int, spec: MelSpec) -> Floats:
    """Linear mel spectrogram ``(count, bands)`` of the first frames of an already padded wave."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, spec.window)[:: spec.hop][:count]
    bins = scipy.fft.rfft(frames * hann(spec.window), spec.fft, axis=-1)
    size = np.abs(bins)
    if spec.power == 2:
        size = size * size
    result: Floats = size.astype(np.float32) @ filter_bank(spec).T
    return result


def mel_power(wave: Floats, spec: MelSpec) -> Floats:
    """Linear mel spectrogram ``(t, bands)`` of ``wave (n,)``, of the power that the spec says."""
    return gathered(spectra([wave], spec), spec.bands)


def log_mel(wave: Floats, spec: MelSpec) -> Floats:
    """Log-mel spectrogram ``(t, bands)`` of ``wave (n,)`` on the spec's own scale."""
    linear = mel_power(wave, spec)
    return compressed(linear, spec, float(linear.max(initial=0.0)))


def compressed(linear: Floats, spec: MelSpec, peak: float) -> Floats:
    """A linear mel spectrogram on the spec's logarithmic scale; peak is the whole sound's maximum.

    ``whisper`` floors at 80 dB below the peak of the *whole* sound, so the peak must be known.
    ``decibel`` is Wav2Lip's: -100 to 0 dB, after taking off 20, mapped to -4..4. ``log10`` is the
    plain logarithm of the power, floored at 1e-10.
    """
    if spec.log == "none":
        return linear
    if spec.log == "decibel":
        decibel = 20.0 * np.log10(np.maximum(linear, 1e-5)) - 20.0
        return np.clip(8.0 * (decibel + 100.0) / 100.0 - 4.0, -4.0, 4.0)
    level: Floats = np.log10(np.maximum(linear, 1e-10))
    if spec.log == "log10":
        return level
    floor = math.log10(max(peak, 1e-10)) - 8.0
    return ((np.maximum(level, floor) + 4.0) / 4.0).astype(np.float32, copy=False)


def gathered(pieces: Iterable[Floats], bands: int) -> Floats:
    """All pieces as one array ``(t, bands)``, empty if there are none."""
    found = list(pieces)
    return np.concatenate(found) if found else np.zeros((0, bands), np.float32)


class MelEncoder:
    """Log-mel spectrograms as features ``(t, 1, bands)``; needs no weights."""

    layers = 1

    def __init__(self, name: str = "mel", spec: MelSpec = WHISPER) -> None:
        self.name = name
        self.spec = spec
        self.rate = spec.frame_rate
        self.width = spec.bands

    def stream(self, chunks: Chunks) -> Iterator[Floats]:
        """Pieces ``(t, 1, bands)`` of the features of a sound in chunks, in constant memory."""
        peak = 0.0
        if self.spec.log == "whisper":  # the loudest band of the whole sound sets the floor
            peak = max((float(piece.max()) for piece in spectra(chunks(), self.spec)), default=0.0)
        for piece in spectra(chunks(), self.spec):
            yield compressed(piece, self.spec, peak)[:, None, :]

    def encode(self, wave: Floats) -> Features:
        """Log-mel features of ``wave (n,)`` at 16 kHz, 100 a second."""
        pieces = [piece[:, 0] for piece in self.stream(lambda: [wave])]
        return Features(gathered(pieces, self.width)[:, None, :], self.rate, self.name)

    def count(self, samples: int) -> int:
        """Feature steps of a sound of so many samples."""
        return self.spec.count(samples)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and width of a feature step."""
        return self.layers, self.width


def mel64() -> MelEncoder:
    """The 64-band front end of motion generators: plain log10 power, 100 frames a second."""
    return MelEncoder("mel-64", SPEECH64)


def wav2lip() -> MelEncoder:
    """Wav2Lip's mel, 80 columns a second; its weights were trained with mirrored ends."""
    return MelEncoder("mel-wav2lip", replace(SYNCNET, padding="reflect"))
