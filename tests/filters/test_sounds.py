"""Filters of sound, and which part of it belongs to a piece."""

from __future__ import annotations

import numpy as np

from lipkit.filters import sounds
from lipkit.filters.sounds import RATE, heard


def test_a_piece_hears_its_own_time() -> None:
    wave = np.arange(3 * RATE, dtype=np.float32)
    assert heard(wave, 1.0, RATE)[0] == RATE
    assert len(heard(wave, 1.0, RATE)) == RATE


def test_beyond_the_ends_is_silence() -> None:
    wave = np.ones(RATE, np.float32)
    late = heard(wave, 0.5, RATE)
    assert (late[: RATE // 2] == 1).all()
    assert (late[RATE // 2 :] == 0).all()
    assert (heard(wave, 5.0, 10) == 0).all()
    assert heard(np.zeros(4, bool), 0, 8).dtype == bool


def test_a_shift_brings_the_sound_later() -> None:
    wave = np.arange(3 * RATE, dtype=np.float32)
    assert heard(wave, 1.0, 100, 3 / 25)[0] == RATE - 3 * 640  # what was heard before
    assert heard(wave, 1.0, 100, -3 / 25)[0] == RATE + 3 * 640
    first = heard(wave + 1, 0.0, RATE, 3 / 25)
    assert (first[: 3 * 640] == 0).all()
    assert first[3 * 640] == 1


def test_speech_over_noise() -> None:
    random = np.random.default_rng(0)
    speech = np.arange(2 * RATE) < RATE
    wave = np.where(speech, random.normal(0, 0.1, 2 * RATE), random.normal(0, 0.01, 2 * RATE))
    found = sounds.snr(wave, speech)
    assert found.value is not None
    assert abs(found.value - 20) < 0.5
    assert sounds.speech_share(wave, speech).value == 0.5


def test_no_pause_is_no_fault_but_loud_pauses_are() -> None:
    wave = np.ones(RATE, np.float32)
    assert sounds.snr(wave, np.ones(RATE, bool)).stays
    nobody = sounds.snr(wave, np.zeros(RATE, bool))
    loud = sounds.snr(wave, np.arange(RATE) < RATE // 2)
    for found in (nobody, loud):
        assert (found.value, found.stays) == (None, False)
    assert nobody.reason != loud.reason
