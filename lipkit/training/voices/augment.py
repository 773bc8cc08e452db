"""Augmentation of mel power ``(b, m, t)``: throats, microphones, rooms and noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def uniform(shape: tuple[int, ...], low: float, high: float) -> Tensor:
    """Uniform random numbers."""
    return low + (high - low) * torch.rand(shape)


def augment(power: Tensor) -> Tensor:
    """The same speech heard through another throat, microphone, room and noise."""
    power = room(equalised(warped(power)))
    return faded(band_limited(power + background(power)))


def warped(power: Tensor) -> Tensor:
    """Vocal tracts of other lengths: the mel axis stretched by 0.84 to 1.2."""
    b, bands, t = power.shape
    factor = torch.where(torch.rand(b, 1) < 0.8, uniform((b, 1), 0.84, 1.2), torch.ones(b, 1))
    place = torch.arange(bands)[None] * factor + uniform((b, 1), -1.5, 1.5)
    place = place.clamp(0, bands - 1.001)
    below = place.floor().long()
    part = (place - below)[..., None]
    low = power.gather(1, below[..., None].expand(-1, -1, t))
    high = power.gather(1, (below + 1)[..., None].expand(-1, -1, t))
    return low * (1 - part) + high * part


def equalised(power: Tensor) -> Tensor:
    """A tilt of up to 7 dB either way and slow ripples, as of microphones."""
    b, bands, _ = power.shape
    k = torch.linspace(0, 1, bands)[None]
    decibel = uniform((b, 1), -14, 14) * (k - 0.5)
    for waves in (2, 3, 4, 5):
        phase = uniform((b, 1), 0, 2 * math.pi)
        decibel = decibel + uniform((b, 1), -3.5, 3.5) * torch.cos(math.pi * waves * k + phase)
    return power * (10 ** (decibel / 10))[..., None]


def room(power: Tensor, length: int = 88) -> Tensor:
    """An exponential tail of reverberation on half of the excerpts."""
    b, _, t = power.shape
    tail = torch.exp(-torch.arange(length)[None] / uniform((b, 1), 3, 22))
    tail = tail * uniform((b, 1), 0.05, 0.6) * (torch.rand(b, 1) < 0.5)
    tail[:, 0] = 1
    size = 1 << (t + length - 1).bit_length()
    spectrum = torch.fft.rfft(power, n=size) * torch.fft.rfft(tail, n=size)[:, None]
    heard: Tensor = torch.fft.irfft(spectrum, n=size)
    return heard[..., :t].clamp_min(1e-10)


def background(power: Tensor) -> Tensor:
    """Noise 3 to 40 dB below the speech; in a fifth of the excerpts nearly none."""
    b = len(power)
    sound = coloured(power)
    decibel = uniform((b, 1, 1), 3, 40) + 40 * (torch.rand(b, 1, 1) < 0.2)
    share = power.mean((1, 2), keepdim=True) / sound.mean((1, 2), keepdim=True)
    return sound * share * torch.pow(10, -decibel / 10)


def coloured(like: Tensor) -> Tensor:
    """Noise of a random colour and slowly changing level."""
    b, bands, t = like.shape
    k, time = torch.linspace(0, 1, bands)[None], torch.arange(t)[None]
    ripple = torch.cos(2 * math.pi * k + uniform((b, 1), 0, 2 * math.pi))
    colour = uniform((b, 1), -25, 8) * k + uniform((b, 1), -4, 4) * ripple
    swell = torch.sin(time / uniform((b, 1), 15, 150) + uniform((b, 1), 0, 2 * math.pi))
    decibel = colour[..., None] + (uniform((b, 1), 0, 6) * swell)[:, None]
    return torch.pow(10, decibel / 10) * torch.empty_like(like).exponential_()


def band_limited(power: Tensor) -> Tensor:
    """The upper bands of three excerpts in ten nearly gone, as on a telephone."""
    b, bands, _ = power.shape
    cut = uniform((b, 1), 34, 60) + 100 * (torch.rand(b, 1) < 0.7)
    weak = 10 ** -uniform((b, 1), 1, 4)
    gain = torch.where(torch.arange(bands)[None] >= cut, weak, torch.ones(1))
    return power * gain[..., None]


def faded(power: Tensor) -> Tensor:
    """A slowly changing level."""
    b, _, t = power.shape
    phase = torch.arange(t)[None] / uniform((b, 1), 20, 200) + uniform((b, 1), 0, 2 * math.pi)
    gain = 1 + uniform((b, 1), 0, 0.5) * torch.sin(phase)
    return power * (gain**2)[:, None]


def masked_bands(features: Tensor) -> Tensor:
    """Half of the excerpts lose two to eight neighbouring bands of normalised features."""
    b, bands, _ = features.shape
    band = torch.arange(bands)[None]
    first = torch.randint(0, bands - 8, (b, 1))
    last = first + torch.randint(2, 9, (b, 1))
    gone = (band >= first) & (band < last) & (torch.rand(b, 1) < 0.5)
    return features.masked_fill(gone[..., None], 0)
