"""The family's editor: what it hears, where it pastes, what its windows share."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lipkit.audio import windows
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.editing import LatentSyncEditor, windows_of
from lipkit.models.latentsync.model import LatentSync
from lipkit.protocols import Features
from tests.sync.films import steady

QUICK = SamplingConfig(steps=2)


@pytest.fixture(scope="module")
def voice(model: LatentSync) -> Features:
    wave = np.random.default_rng(0).standard_normal(32000).astype(np.float32) / 8
    return LatentSyncEditor(model, QUICK).hear([wave[:999], wave[999:]])


def crops(count: int = 16) -> np.ndarray:
    noise = np.random.default_rng(1).uniform(-1, 1, (count, 3, 64, 64))
    return noise.astype(np.float32)


def test_windows_are_whispers(form: ModelConfig) -> None:
    data = np.arange(2 * 50 * 5 * 3, dtype=np.float32).reshape(100, 5, 3)
    features = Features(data, Fraction(50), "whisper-tiny")
    rows = windows.latentsync_rows(len(data), 25)
    for first, count in ((0, 16), (32, 20)):
        cut = windows_of(features, form, first, count)
        expected = windows.cut(data, rows[first : first + count])
        assert (cut.data[: len(expected)] == expected).all()
        assert cut.rate == 25


def test_windows_join(form: ModelConfig, voice: Features) -> None:
    whole = windows_of(voice, form, 0, 40).data
    parts = [windows_of(voice, form, first, 8).data for first in range(0, 40, 8)]
    assert (whole == np.concatenate(parts)).all()
    early = windows_of(voice, form, -2, 4).data
    assert (early[2:] == whole[:2]).all()


@pytest.mark.parametrize("change", [{"steps": 3}, {"guidance": 3.0}, {"overlap": 2}], ids=str)
def test_settings_reach_the_sampler(model: LatentSync, voice: Features, change: dict) -> None:
    times = steady(16)
    plain = LatentSyncEditor(model, QUICK).resynced(crops(), times, voice)
    other = LatentSyncEditor(model, replace(QUICK, **change)).resynced(crops(), times, voice)
    assert plain.shape == other.shape == (16, 3, 64, 64)
    assert np.abs(plain - other).mean() > 1e-4


def test_half_precision_is_near(model: LatentSync, voice: Features) -> None:
    plain = LatentSyncEditor(model, QUICK).resynced(crops(), steady(16), voice)
    half = LatentSyncEditor(copy.deepcopy(model), replace(QUICK, precision="bf16", speed="fast"))
    made = half.resynced(crops(), steady(16), voice)
    assert made.dtype == np.float32
    hole = half.hole > 0
    change = np.abs(plain - crops())[..., hole].mean()
    assert 0 < np.abs(made - plain)[..., hole].mean() < 0.1 * change


def test_the_seed_decides(model: LatentSync, voice: Features) -> None:
    made = [
        LatentSyncEditor(model, QUICK, seed=seed).resynced(crops(), steady(16), voice)
        for seed in (0, 0, 1)
    ]
    assert (made[0] == made[1]).all()
    assert (made[0] != made[2]).any()


def test_only_the_hole_goes_back(model: LatentSync, form: ModelConfig) -> None:
    hole = LatentSyncEditor(model, QUICK).hole
    assert hole.shape == (form.resolution,) * 2
    assert hole.max() == 1
    assert not hole[:20].any()
    assert not hole[[0, -1]].any()
    assert not hole[:, [0, -1]].any()
