"""Phones to mouth shapes: blended activations of phone classes, and one small table behind them.

A recogniser of phone classes generalises to voices it never heard; millimetres do not. So networks
learn the activations, and ``TABLE`` (class to aperture and width) is applied where a mouth is
needed. Coarticulation follows Cohen and Massaro, "Modeling coarticulation in synthetic visual
speech" (1993): every phone has a dominance that decays from its centre, and a frame's activations
are the dominances of its neighbourhood, normalised. Distances are in outer-eye-corner distances
(IOD, about 90 mm).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Viseme:
    """A class of phones: its lips (IOD), its jaw (as an aperture) and how firmly it holds them."""

    name: str
    phones: str
    aperture: float
    width: float
    jaw: float
    dominance: float


# A pause does not close the lips at once: before and after speech they wait half open.
VISEMES = (
    Viseme("pause_short", "", 0.060, 0.000, 0.060, 0.25),
    Viseme("pause_start", "", 0.070, 0.005, 0.065, 0.35),
    Viseme("pause_mid", "", 0.050, 0.005, 0.045, 0.70),
    Viseme("pause_end", "", 0.070, 0.005, 0.060, 0.30),
    Viseme("a", "a ɑ æ ɒ aɪ aʊ", 0.200, 0.010, 0.200, 1.00),
    Viseme("ʌ", "ʌ ɐ ɜ", 0.120, -0.005, 0.120, 0.90),
    Viseme("e", "ɛ e eɪ", 0.160, 0.030, 0.140, 0.90),
    Viseme("ɪ", "ɪ ᵻ", 0.120, 0.030, 0.100, 0.70),
    Viseme("i", "i", 0.100, 0.035, 0.075, 0.90),
    Viseme("ə", "ə", 0.090, 0.000, 0.090, 0.50),
    Viseme("o", "o ɔ oʊ ɤ ɔɪ", 0.100, -0.070, 0.130, 1.00),
    Viseme("u", "u ʊ ʉ y ɨ ø œ ɯ", 0.040, -0.080, 0.070, 1.00),
    Viseme("mbp", "m b p", 0.000, -0.015, 0.060, 1.60),
    Viseme("fv", "f v β ʋ", 0.020, -0.005, 0.060, 1.20),
    Viseme("θ", "θ ð", 0.060, 0.010, 0.070, 0.70),
    Viseme("t", "t d n ɾ ɗ", 0.075, 0.012, 0.065, 0.50),
    Viseme("s", "s z ts dz ɕ tɕ dʑ ʑ", 0.070, 0.020, 0.045, 0.80),
    Viseme("l", "l ɫ ʎ", 0.085, -0.010, 0.085, 0.40),
    Viseme("r", "ɹ r ɻ", 0.070, -0.040, 0.075, 0.60),
    Viseme("ʃ", "ʃ ʒ tʃ dʒ ʂ tʂ ɖ ʈ ʐ", 0.075, -0.020, 0.050, 0.90),
    Viseme("k", "k ɡ g ŋ x χ q ɣ h ɦ ç ħ ʔ ʁ", 0.085, 0.012, 0.085, 0.25),
    Viseme("j", "j ɲ ʝ", 0.080, 0.020, 0.070, 0.50),
    Viseme("w", "w ɥ ʍ", 0.020, -0.090, 0.060, 1.10),
)
NAMES = tuple(viseme.name for viseme in VISEMES)
TABLE = np.array([(v.aperture, v.width) for v in VISEMES], np.float32)
JAW = np.array([v.jaw for v in VISEMES], np.float32)
PAUSES = slice(0, 4)
SEAL = NAMES.index("mbp")
VOWELS = slice(NAMES.index("a"), NAMES.index("u") + 1)

SILENCE = ""
PHONES = (SILENCE, *(phone for viseme in VISEMES for phone in viseme.phones.split()))
CLASS_OF = {phone: k for k, viseme in enumerate(VISEMES) for phone in viseme.phones.split()}
# Breath phones take the shape of their neighbours.
WEAK = {"h": 0.12, "ɦ": 0.12, "ç": 0.12, "ħ": 0.12, "ʔ": 0.1}
GLIDES = {"aɪ": "ɪ", "eɪ": "ɪ", "ɔɪ": "ɪ", "aʊ": "ʊ", "oʊ": "ʊ"}

SHORT_PAUSE, START_OF_PAUSE, END_OF_PAUSE = 0.25, 0.3, 0.2  # seconds


@dataclass(frozen=True)
class Segment:
    """One phone (IPA; ``""`` is silence) from ``start`` to ``end`` seconds; ``stress`` 0 to 1."""

    start: float
    end: float
    phone: str
    stress: float = 0.0


def nearest_phone(name: str) -> str | None:
    """The longest known phone that ``name`` starts with."""
    return next((name[:n] for n in (3, 2, 1) if name[:n] in CLASS_OF), None)


def _parts(segment: Segment) -> list[tuple[float, float, float, int]]:
    """``(start, end, dominance, class)`` of a segment: pauses and diphthongs have several."""
    start, end, phone = segment.start, segment.end, segment.phone
    if phone == SILENCE:
        return _pause(start, end)
    if phone in GLIDES:
        middle = start + 0.55 * (end - start)
        first, second = CLASS_OF[phone], CLASS_OF[GLIDES[phone]]
        return [
            (start, middle, VISEMES[first].dominance, first),
            (middle, end, VISEMES[second].dominance, second),
        ]
    kind = CLASS_OF[phone]
    return [(start, end, WEAK.get(phone, VISEMES[kind].dominance), kind)]


def _pause(start: float, end: float) -> list[tuple[float, float, float, int]]:
    """A short pause is one class; a longer one has a start, a middle and an end."""
    short, first, middle, last = (VISEMES[k].dominance for k in range(PAUSES.stop))
    if end - start < SHORT_PAUSE:
        return [(start, end, short, 0)]
    parts = [(start, min(start + START_OF_PAUSE, end), first, 1)]
    if end - start > START_OF_PAUSE + SHORT_PAUSE:
        # Pieces, since dominance reaches less far than a long pause is long.
        edges = np.linspace(
            start + START_OF_PAUSE, end - END_OF_PAUSE, 2 + int((end - start) / 0.4)
        )
        parts += [(a, b, middle, 2) for a, b in pairwise(edges)]
    return [*parts, (max(end - END_OF_PAUSE, start), end, last, 3)]


def activations(segments: list[Segment], frames: int, fps: float = 25.0) -> Floats:
    """Blended class activations ``(f, 23)`` of an utterance; rows sum to one."""
    parts = [part for segment in segments for part in _parts(segment)]
    start, end, dominance, kind = (np.array(column) for column in zip(*parts, strict=True))
    blended = np.zeros((frames, len(VISEMES)), np.float32)
    half = (end - start) / 2
    centre = (start + end) / 2
    for first in range(0, frames, 512):  # blocks bound the (frames, parts) matrix of long streams
        t = ((np.arange(first, min(first + 512, frames)) + 0.5) / fps)[:, None]
        near = (end > t[0] - 2.0) & (start < t[-1] + 2.0)
        if not near.any():
            near[np.abs(centre - t.mean()).argmin()] = True
        far = np.maximum(np.abs(t - centre[near]) - 0.6 * half[near], 0)
        weight = dominance[near] * np.exp(-((far / (0.035 + 0.25 * half[near])) ** 1.3))
        weight += 1e-6 * np.exp(-np.abs(t - centre[near]))
        weight /= weight.sum(1, keepdims=True)
        blended[first : first + 512] = weight @ np.eye(len(VISEMES))[kind[near]]
    return blended
