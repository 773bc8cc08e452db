"""Silence: found in hiss and hum, without clicks and tiny gaps, at any feature rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipkit.audio import speech

RANDOM = np.random.default_rng(0)


def voice(seconds: float, level: float = 0.2) -> np.ndarray:
    """A buzz of 130 Hz with moving formants and syllables, loud enough to be heard."""
    time = np.arange(round(seconds * 16000)) / 16000
    sound = np.zeros_like(time)
    for harmonic in range(1, 30):
        hertz = 130 * harmonic
        formant = 700 + 300 * np.sin(2 * np.pi * 3 * time)
        weight = np.exp(-(((hertz - formant) / 300) ** 2)) + 0.3 * np.exp(
            -(((hertz - 2300) / 400) ** 2)
        )
        sound += weight * np.sin(2 * np.pi * hertz * time)
    syllables = 0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 2.5 * time))
    return (level * sound / np.abs(sound).max() * syllables).astype(np.float32)


def said(noise: float, level: float = 0.2) -> np.ndarray:
    """A second of pause, two of voice, one of pause, one of voice, a second and a half of pause."""
    gap = np.zeros
    parts = [gap(16000), voice(2, level), gap(16000), voice(1, level), gap(24000)]
    sound = np.concatenate(parts).astype(np.float32)
    return sound + noise * RANDOM.standard_normal(len(sound)).astype(np.float32)


@pytest.mark.parametrize(
    ("level", "noise"),
    [(0.02, 0), (0.02, 1e-4), (0.2, 0), (0.2, 3e-3), (0.2, 1e-2), (0.9, 1e-4), (0.9, 1e-2)],
)
def test_pauses_are_found_whatever_the_level(level: float, noise: float) -> None:
    silent = speech.silence_of(said(noise, level))
    changes = np.flatnonzero(np.diff(silent.astype(int))) + 1
    assert len(changes) == 4
    early = np.array([100, 300, 400, 500]) - changes
    assert (early[::2] >= 0).all()
    assert (early[::2] <= 10).all()  # the lead
    assert (early[1::2] <= 0).all()
    assert (early[1::2] >= -16).all()  # the hangover


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(32000),
        0.05 * RANDOM.standard_normal(32000),
        0.3 * np.sin(2 * np.pi * 50 * np.arange(32000) / 16000),
        1e-5 * np.concatenate([voice(1), np.zeros(16000)]),
    ],
    ids=["nothing", "hiss", "hum", "inaudible"],
)
def test_nobody_speaks(sound: np.ndarray) -> None:
    assert speech.silence_of(sound.astype(np.float32)).all()


def test_a_click_is_no_speech() -> None:
    sound = said(1e-4)
    sound[6 * 16000 : 6 * 16000 + 80] = 0.9
    assert speech.silence_of(sound)[590:].all()


def test_a_stop_consonant_is_no_pause() -> None:
    sound = np.concatenate([np.zeros(16000), voice(1), np.zeros(1300), voice(1), np.zeros(16000)])
    assert not speech.silence_of(sound.astype(np.float32))[105:300].any()


def test_chunks_give_what_the_whole_gives() -> None:
    sound = said(1e-3)
    chunks = np.array_split(sound, 11)
    assert (speech.silence_of_chunks(chunks) == speech.silence_of(sound)).all()


@given(
    flags=st.lists(st.booleans(), min_size=1, max_size=60),
    rate=st.sampled_from(
        [Fraction(25), Fraction(50), Fraction(100), Fraction(80), Fraction(30000, 1001)]
    ),
)
def test_a_step_is_silent_if_all_of_it_is(flags: list[bool], rate: Fraction) -> None:
    track = np.array(flags)
    count = max(1, int(len(track) * rate / 100))
    for step, silent in enumerate(speech.at_rate(track, count, rate)):
        start, end = int(step * 100 / rate), -int(-(step + 1) * 100 // rate)
        assert silent == track[min(start, len(track) - 1) : end].all()


def test_no_sound_gives_no_track() -> None:
    assert speech.silence_of(np.zeros(0, np.float32)).shape == (0,)
    assert speech.at_rate(np.zeros(0, bool), 3, Fraction(50)).all()


def test_real_speech_agrees_with_a_trained_detector(shared: Path) -> None:
    from lipkit.media.audio import read_wave

    for track in sorted((shared / "media" / "tracks").glob("*.npz")):
        spoken = np.load(track)["speech_prob"] > 0.5
        wave = read_wave(shared / "media" / "video" / f"{track.stem}.mp4")
        silent = speech.at_rate(speech.silence_of(wave), len(spoken), Fraction(25))
        assert (silent != spoken).mean() > 0.9
        assert silent[spoken].mean() < 0.05
