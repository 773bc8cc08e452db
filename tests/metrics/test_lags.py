"""Correlation of two tracks, lag by lag."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from lipkit.metrics.lags import REACH, lags, speed

LONG = gaussian_filter1d(np.random.default_rng(3).normal(size=400), 2)


@given(st.integers(-REACH, REACH), st.integers(60, 300))
@settings(max_examples=25, deadline=None)
def test_a_track_that_comes_k_frames_late_has_lag_k(k: int, count: int) -> None:
    late = LONG[20 - k : 20 - k + count]
    found = lags(late, LONG[20 : 20 + count])
    assert found.lag == k
    assert found.best == pytest.approx(1)


def test_the_same_track_correlates_wholly() -> None:
    found = lags(LONG, LONG)
    assert found.still == pytest.approx(1)
    assert (found.lag, len(found.curve)) == (0, 2 * REACH + 1)


def test_scale_and_level_do_not_matter() -> None:
    assert lags(LONG * 0.01 + 4, LONG).still == pytest.approx(1)
    assert lags(-LONG, LONG).still == pytest.approx(-1)


def test_frames_without_a_number_are_left_out() -> None:
    holed = LONG.copy()
    holed[50:90] = np.nan
    assert lags(holed, LONG).still == pytest.approx(1)
    assert lags(holed, LONG).lag == 0


@pytest.mark.parametrize("count", [0, 1, 7, 8, 15])
def test_fewer_than_eight_pairs_say_nothing(count: int) -> None:
    found = lags(LONG[:count], LONG[:count])
    reached = np.flatnonzero(np.isfinite(found.curve)) - REACH
    assert list(reached) == [lag for lag in range(-REACH, REACH + 1) if count - abs(lag) >= 8]
    if count < 8:
        assert (found.still, found.best, found.lag, found.confidence) == (None,) * 4


def test_what_does_not_vary_correlates_with_nothing() -> None:
    found = lags(np.full(100, 0.01), LONG[:100])
    assert (found.still, found.best, found.lag, found.confidence) == (None,) * 4


def test_speed_is_the_central_difference() -> None:
    assert speed(np.array([0.0, 1.0, 4.0, 2.0])) == pytest.approx([1, 2, 0.5, 2])
    assert np.isnan(speed(np.array([1.0]))).all()
