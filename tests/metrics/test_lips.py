"""Timing of the lips, and their intensity against the sound's."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.metrics import lips


@pytest.fixture
def track() -> np.ndarray:
    """An aperture (150,) that opens and closes at a changing pace."""
    t = np.arange(150)
    return 0.1 + 0.05 * np.sin(t / 4 + np.sin(t / 30)) + 0.02 * np.sin(t / 2.3)


def test_the_same_lips_are_never_late(track):
    found = lips.misalignments(track, track)
    assert len(found) > 10
    assert set(found) == {0}


@pytest.mark.parametrize("late", [1, 2, 3])
def test_lips_that_come_late_are_so_by_their_lag(track, late):
    made = np.concatenate([np.full(late, track[0]), track[:-late]])
    assert np.median(lips.misalignments(made, track)) == late


@pytest.mark.parametrize("made", [np.zeros(150), np.linspace(0, 1, 150), np.zeros(2)])
def test_lips_that_never_turn_match_nothing(track, made):
    assert lips.misalignments(made, track) == []


def test_gaps_cut_a_track_in_pieces(track):
    made = track.copy()
    made[60:70] = np.nan
    found = lips.all_misalignments(made, track)
    assert set(found) == {0}
    assert 0 < len(found) < len(lips.misalignments(track, track))


def test_long_tracks_are_aligned_piece_by_piece(track, monkeypatch):
    monkeypatch.setattr(lips, "LONGEST", 50)
    assert set(lips.all_misalignments(track, track)) == {0}


def test_warping_follows_a_repeated_frame():
    first = np.array([0.0, 1.0, 5.0, 2.0])
    second = np.array([0.0, 1.0, 1.0, 5.0, 2.0])
    assert lips.warping(first, second) == [(0, 0), (1, 1), (1, 2), (2, 3), (3, 4)]


def test_correlation_is_within_speakers():
    speech = np.array([1.0, 2.0, 3.0, 11.0, 12.0, 13.0])
    moved = np.array([5.0, 6.0, 7.0, 0.5, 0.6, 0.7])
    assert lips.intensity_correlation(moved, speech, list("aaabbb")) == pytest.approx(1)
    assert lips.intensity_correlation(-moved, speech, list("aaabbb")) == pytest.approx(-1)
    assert lips.intensity_correlation(np.ones(6), speech, list("aaabbb")) is None
    assert lips.intensity_correlation(moved, speech, list("abcdef")) is None


def test_intensity_skips_missing_frames():
    points = np.zeros((6, 20, 2))
    points[:, :, 0] = np.arange(6)[:, None]
    assert lips.intensity(points) == pytest.approx(1)
    points[2] = np.nan
    assert lips.intensity(points) == pytest.approx(1)
    assert lips.intensity(points[2:3]) is None
