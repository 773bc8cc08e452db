"""Overlapped windows: every row once, no joints, nothing lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipkit.audio import streams


@given(
    lengths=st.lists(st.integers(0, 40), max_size=12),
    size=st.integers(2, 30),
    overlap=st.integers(0, 10),
)
def test_windows_and_fades_give_back_what_went_in(
    lengths: list[int], size: int, overlap: int
) -> None:
    rows = np.arange(sum(lengths) * 2, dtype=np.float32).reshape(-1, 2)
    pieces = np.split(rows, np.cumsum(lengths)[:-1]) if lengths else []
    stride = max(1, size - overlap)
    blocks = list(streams.blocks(iter(pieces), size, stride))
    assert all(len(block) <= size for _, block in blocks)
    assert [start for start, _ in blocks] == [i * stride for i in range(len(blocks))]
    joined = list(streams.crossfaded(iter(blocks)))
    back = np.concatenate(joined) if joined else np.zeros((0, 2), np.float32)
    np.testing.assert_allclose(back, rows, rtol=1e-6)


def test_windows_that_disagree_fade_into_each_other() -> None:
    pieces = [(0, np.zeros((10, 1), np.float32)), (6, np.ones((10, 1), np.float32))]
    joined = np.concatenate(list(streams.crossfaded(pieces)))[:, 0]
    assert len(joined) == 16
    assert (np.diff(joined) >= 0).all()
    assert np.diff(joined).max() < 0.5
    assert joined[[0, -1]].tolist() == [0, 1]


def test_windows_that_only_touch_are_left_alone() -> None:
    pieces = [(0, np.zeros((4, 1), np.float32)), (4, np.ones((4, 1), np.float32))]
    assert np.concatenate(list(streams.crossfaded(pieces)))[:, 0].tolist() == [0] * 4 + [1] * 4


def test_statistics_are_those_of_the_whole() -> None:
    wave = np.random.default_rng(0).normal(0.3, 2, 10001).astype(np.float32)
    count, mean, variance = streams.statistics(np.array_split(wave, 9))
    assert count == 10001
    assert mean == pytest.approx(wave.mean(dtype=np.float64), rel=1e-9)
    assert variance == pytest.approx(wave.var(dtype=np.float64), rel=1e-9)


def test_samples_that_are_no_numbers_are_silence() -> None:
    from lipkit.audio.mel import MelEncoder

    wave = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    broken = wave.copy()
    broken[500:700] = np.nan
    broken[900] = np.inf
    told: list[int] = []
    features = streams.embed(MelEncoder(), lambda: [broken], told.append)
    assert np.isfinite(features.data).all()
    assert sum(told) == len(features.data) == len(features.silence) == 100
