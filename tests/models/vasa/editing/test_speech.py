"""Voices as mouth motion, in the speaker's own range."""

from fractions import Fraction

import numpy as np
import pytest

from lipkit.models.vasa.editing.speech import USUAL, Spread, own_range, spoken

OWN = Spread((0.12, 0.07), (0.6, 0.04))


def test_slow_motion_is_shown_at_its_own_time(voice):
    apertures = 0.1 + 0.05 * np.sin(np.arange(40) / 4)
    times = [Fraction(row, 25) for row in range(40)]
    found = voice(apertures).at(times, Fraction(25))
    assert found[1:-1, 0] == pytest.approx(apertures[1:-1], abs=0.003)


def test_lips_take_their_time_and_still_touch(voice):
    apertures = np.full(30, 0.25)
    apertures[15] = 0
    found = voice(apertures).at([Fraction(row, 25) for row in range(30)], Fraction(25))[:, 0]
    assert found[15] == 0
    assert np.abs(np.diff(found)).max() < 0.06
    assert found[5] == pytest.approx(0.25)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30), Fraction(60)])
def test_other_rates_pass_between_motion_frames_without_overshoot(voice, fps):
    apertures = [0.0, 0.0, 0.2, 0.0, 0.0, 0.0]
    times = [row / fps for row in range(int(Fraction(6, 25) * fps))]
    found = voice(apertures).at(times, fps)[:, 0]
    assert found.min() >= 0
    assert found.max() <= 0.2
    closed = [t for t, a in zip(times, found, strict=True) if a < 1e-9]
    assert closed, "lips that were closed stay closed between motion frames"


def test_mouth_closes_after_the_voice(voice):
    found = voice([0.2] * 10).at([Fraction(4, 25), Fraction(2), Fraction(60)], Fraction(25))
    assert found[0, 0] == pytest.approx(0.2)
    assert found[1:, 0] == pytest.approx([0, 0])


def test_closed_lips_stay_closed_whatever_the_speakers_mean(voice):
    quiet = spoken(np.zeros((3, 3)), voice([0.1, 0.2] * 50).spread, OWN)
    assert quiet[:, 0] == pytest.approx([0, 0, 0])
    assert quiet[:, 1] == pytest.approx([0, 0, 0])


def test_range_is_the_speakers_own(voice):
    apertures = 0.08 + 0.03 * np.sin(np.arange(500))
    motion = np.stack([apertures, 0 * apertures, 0 * apertures], 1)
    found = spoken(motion, voice(apertures).spread, OWN)[:, 0]
    assert found.mean() == pytest.approx(OWN.aperture[0], abs=0.01)
    assert found.std() == pytest.approx(OWN.aperture[1], rel=0.3)


def test_a_face_that_hardly_moves_gets_the_usual_range(clip):
    found = own_range(clip.track.points, np.arange(len(clip.track)))
    assert found.aperture == pytest.approx(USUAL)
