"""Cepstral coefficients: blocks make no joints, silence is finite, the ends are filled up."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.audio import mfcc

NOISE = (np.random.default_rng(5).normal(size=20000) * 3000).astype(np.int16)


def test_long_sound_in_blocks_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mfcc.mfcc(NOISE)
    monkeypatch.setattr(mfcc, "BLOCK", 7)
    assert mfcc.mfcc(NOISE) == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3)])
def test_count_of_frames(samples: int, frames: int) -> None:
    assert mfcc.mfcc(NOISE[:samples]).shape == (13, frames)


def test_no_sound_has_no_frames() -> None:
    assert mfcc.mfcc(NOISE[:0]).shape == (13, 0)


def test_silence_is_finite() -> None:
    found = mfcc.mfcc(np.zeros(3000, np.int16))
    assert np.isfinite(found).all()
    assert (found[0] == np.log(np.finfo(float).eps)).all()


def test_the_first_coefficient_is_the_energy() -> None:
    spec = mfcc.MfccSpec(preemphasis=0)
    loud, soft = (mfcc.mfcc(NOISE // k, spec)[0].mean() for k in (1, 4))
    assert loud - soft == pytest.approx(2 * np.log(4), abs=0.01)


def test_sixteen_bits_survive_the_way_through_floats() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.array_equal(mfcc.to_pcm(every.astype(np.float32) / 32768), every)
    assert list(mfcc.to_pcm(np.array([1.5, -1.5], np.float32))) == [32767, -32768]
