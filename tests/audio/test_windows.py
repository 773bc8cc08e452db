"""Windows: every frame gets one of the promised size, around the step in which it begins."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipkit.audio import windows
from lipkit.protocols import Features

RATES = st.sampled_from([Fraction(50), Fraction(100), Fraction(25), Fraction(16000, 200)])
FPS = st.sampled_from(
    [Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60)]
)


def counting(length: int, layers: int, rate: Fraction) -> Features:
    """Features whose values are their own step, so that a window shows where it was cut."""
    steps = np.arange(length, dtype=np.float32)
    data = np.broadcast_to(steps[:, None, None], (length, layers, 2))
    return Features(np.ascontiguousarray(data), rate, "counting")


@given(
    length=st.integers(1, 200),
    layers=st.integers(1, 3),
    rate=RATES,
    fps=FPS,
    count=st.integers(0, 80),
    left=st.integers(0, 6),
    right=st.integers(0, 6),
)
def test_windows_are_complete_and_in_place(
    length: int, layers: int, rate: Fraction, fps: Fraction, count: int, left: int, right: int
) -> None:
    cut = windows.windows(counting(length, layers, rate), fps, count, left, right)
    assert cut.shape == (count, (left + 1 + right) * layers, 2)
    for frame in range(count):
        middle = int(frame * rate / fps)
        steps = [min(max(middle + i, 0), length - 1) for i in range(-left, right + 1)]
        assert cut[frame, :, 0].tolist() == [step for step in steps for _ in range(layers)]


@given(length=st.integers(1, 500), rate=RATES, fps=FPS)
def test_frames_cover_the_sound_and_no_more(length: int, rate: Fraction, fps: Fraction) -> None:
    count = windows.frame_count(counting(length, 1, rate), fps)
    assert (count - 1) / fps < length / rate <= count / fps


def test_long_films_do_not_drift() -> None:
    middles = windows.centres(1, Fraction(50), Fraction(30000, 1001), start=10 * 60 * 30)
    assert middles[0] == int(Fraction(10 * 60 * 30 * 1001, 30000) * 50)


@pytest.mark.parametrize(("seconds", "expected"), [(10.0, 252), (0.02, 2), (0.04, 3)])
def test_latentsync_makes_two_windows_too_many(seconds: float, expected: int) -> None:
    assert len(windows.latentsync_rows(round(seconds * 50), 25)) == expected


@given(samples=st.integers(1600, 100000), fps=st.sampled_from([24, 25, 29.97, 30, 60]))
def test_musetalk_pads_with_zeros(samples: int, fps: float) -> None:
    data = np.ones((samples // 320, 2, 3), np.float32)
    chunks = windows.musetalk_chunks(data, samples, fps)
    assert chunks.shape == (samples * int(fps) // 16000, 20, 3)
    if len(chunks):
        assert not chunks[0, :4].any()
        assert set(np.unique(chunks)) <= {0.0, 1.0}


@given(columns=st.integers(16, 900), fps=st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0]))
def test_mel_chunks_lie_inside_and_reach_the_end(columns: int, fps: float) -> None:
    starts = windows.mel_starts(columns, fps)
    assert starts[-1] == columns - 16
    assert starts.min() >= 0
    assert (np.diff(starts[:-1]) >= 1).all()


@given(length=st.integers(1, 40), count=st.integers(0, 200))
def test_extending_keeps_to_the_source(length: int, count: int) -> None:
    for how in ("pingpong", "loop", "hold"):
        shown = windows.extend(length, count, how)
        assert len(shown) == count
        assert ((shown >= 0) & (shown < length)).all()
        assert shown[:length].tolist() == list(range(min(length, count)))
        if how != "loop":
            assert (abs(np.diff(shown)) <= 1).all()


def test_sparse_windows_repeat_the_ends() -> None:
    steps = windows.sparse_rows(20, 25, 10)
    assert steps.shape == (10, 10)
    assert steps[0, :6].tolist() == [0] * 6
    assert steps[-1, -1] == 19
