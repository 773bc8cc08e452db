"""What is said: random syllables in random phrases, and whose voice says them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lipkit.training.voices.visemes import SILENCE, Segment

Rng = np.random.Generator

VOWELS = ("a", "ɛ", "i", "o", "u", "ə", "ʌ")
ONSETS = ("m", "b", "p", "f", "v", "s", "z", "ʃ", "t", "d", "n", "k", "ɡ", "l", "ɹ", "w", "j", "")
CODAS = ("", "", "", "m", "n", "s", "t", "l", "k", "p", "f")
LONG, SHORT = 0.14, 0.075  # seconds of a vowel and a consonant at ordinary speed


@dataclass(frozen=True)
class Voice:
    """How somebody sounds."""

    pitch: float  # Hz
    melody: float  # semitones of rise and fall
    tract: float  # formants over those of an average man
    breath: float  # share of noise in vowels
    tilt: float  # 0 bright, 1 dull
    speed: float
    level: float  # peak of the wave
    room: float  # noise floor over the peak, decibels

    @classmethod
    def random(cls, rng: Rng) -> Voice:
        """Some voice; high ones mostly belong to short throats."""
        height = rng.uniform(0, 1)
        return cls(
            pitch=float(90 * 2 ** (1.5 * height)),
            melody=rng.uniform(1.5, 5),
            tract=0.9 + 0.28 * height + rng.uniform(-0.05, 0.05),
            breath=rng.uniform(0.01, 0.1),
            tilt=rng.uniform(0.1, 0.8),
            speed=rng.uniform(0.8, 1.25),
            level=rng.uniform(0.3, 0.9),
            room=rng.uniform(-60, -35),
        )


def utter(rng: Rng, seconds: float, speed: float = 1.0) -> list[Segment]:
    """Phones that fill so many seconds: phrases of a few words, pauses between, silence around."""
    segments: list[Segment] = []

    def add(length: float, phone: str, stress: float = 0.0) -> None:
        start = segments[-1].end if segments else 0.0
        if segments and segments[-1].phone == phone == SILENCE:
            start = segments.pop().start
        segments.append(Segment(start, min(start + length, seconds), phone, stress))

    add(rng.uniform(0.05, 0.5), SILENCE)
    while segments[-1].end < seconds:
        for _ in range(rng.integers(2, 6)):
            _word(rng, speed, add)
            if segments[-1].end > seconds - 0.4:
                break
        room = seconds - segments[-1].end
        pause = rng.uniform(0.7, 1.2) if rng.random() < 0.25 else rng.uniform(0.15, 0.45)
        add(room if room < 0.8 else pause, SILENCE)
    return segments


def _word(rng: Rng, speed: float, add: Callable[[float, str, float], None]) -> None:
    """One to three syllables, one of them stressed."""
    count = int(rng.integers(1, 4))
    stressed = int(rng.integers(count))
    for k in range(count):
        stress = float(k == stressed)
        if onset := str(rng.choice(ONSETS)):
            add(rng.uniform(0.8, 1.4) * SHORT / speed, onset, 0.0)
        vowel = str(rng.choice(VOWELS if stress else (*VOWELS, "ə", "ə")))
        add(rng.uniform(0.7, 1.3) * LONG * (1 + 0.35 * stress) / speed, vowel, stress)
        if coda := str(rng.choice(CODAS)):
            add(rng.uniform(0.8, 1.4) * SHORT / speed, coda, 0.0)
