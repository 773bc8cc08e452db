"""Lips at rest: what a model of crops hears in long silences, short pauses and after the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.protocols import Features
from lipkit.sync.crops import CropEditor, Cropping
from lipkit.sync.rests import rested, resting
from tests.sync.films import pictures, steady, track_for

RATE = Fraction(50)
RNG = np.random.default_rng(0)


class Meter:
    """The loudness of 20 ms as features, 50 steps a second; silence sounds like 7."""

    name, rate, layers, width = "meter", RATE, 1, 1

    def encode(self, wave: np.ndarray) -> Features:
        steps = np.abs(wave[: len(wave) // 320 * 320].reshape(-1, 320)).mean(1)
        heard = np.where(steps > 0, np.log10(np.maximum(steps, 1e-9)), 7).astype(np.float32)
        return Features(heard[:, None, None], self.rate, self.name)


def spoken(*spans: tuple[int, int], steps: int = 200) -> Features:
    """Noisy features of a voice that is silent in ``spans`` of steps."""
    silent = np.zeros(steps, np.bool_)
    for first, end in spans:
        silent[first:end] = True
    data = RNG.normal(size=(steps, 2, 3)).astype(np.float32)
    return Features(data, RATE, "meter", silent)


def moves(features: Features, first: int, end: int) -> float:
    """How much features change from step to step."""
    return float(np.abs(np.diff(features.data[first:end], axis=0)).mean())


def test_features_stand_still_in_long_silence_and_nowhere_else() -> None:
    voice = spoken((50, 110), (140, 160))  # 1.2 s, and 0.4 s
    made = rested(voice, Meter(), ends=False)
    assert moves(made, 60, 102) < 1e-6
    for first, end in ((0, 50), (110, 200)):
        assert (made.data[first:end] == voice.data[first:end]).all()
    assert moves(made, 48, 61) > 0.1
    np.testing.assert_allclose(made.data[80], voice.data[65:95].mean(0), atol=1e-5)


def test_the_way_to_rest_and_back_is_short_and_steady() -> None:
    share = resting(spoken((50, 110)).silence, RATE)
    assert share[49] == share[110] == 0
    assert (share[59:102] == 1).all()
    assert (np.diff(share[49:60]) > 0).all()
    assert (np.diff(share[102:111]) < 0).all()
    ends = resting(spoken((0, 40), (150, 200)).silence, RATE)
    assert ends[0] == ends[-1] == 1  # nothing to settle from, nothing to wake for


def test_silence_that_the_recording_lacks_is_the_encoders() -> None:
    voice = Features(np.ones((100, 1, 1), np.float32), RATE, "meter", np.zeros(100, np.bool_))
    made = rested(voice, Meter(), ends=True)
    after = made.data[100:, 0, 0]
    assert (made.data[:100] == 1).all()
    assert (after[:10] == 1).all()  # 0.2 s of the last step, as models were used
    assert after[-1] == pytest.approx(7)
    assert (np.diff(after[10:]) > 0).all()
    assert made.silence is not None
    assert len(made.silence) == len(made.data)


def test_what_knows_no_silence_stays() -> None:
    voice = replace(spoken((0, 200)), silence=None)
    assert rested(voice, Meter(), ends=True) is voice
    busy = spoken()
    assert rested(busy, Meter(), ends=False) is busy


class Parrot:
    """Crops whose brightness follows what is heard, however faint."""

    def sync(
        self, crops: Iterable[torch.Tensor], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[torch.Tensor]:
        for chunk in crops:
            steps = audio.data[:, 0, 0].reshape(len(chunk), -1).mean(1)
            yield torch.from_numpy(np.sin(4 * steps))[:, None, None, None].expand_as(chunk)


def babble() -> np.ndarray:
    """A second of a loud hum, one of faint noise that swells, and half a second of the hum."""
    t = np.arange(16000) / 16000
    hum = sum(np.sin(2 * np.pi * 110 * k * t) / k for k in range(1, 30))
    loud = 0.2 * hum * (1 + 0.5 * np.sin(2 * np.pi * 5 * t))
    faint = 1e-4 * np.random.default_rng(1).normal(size=16000) * (1 + t)
    return np.concatenate([loud, faint, loud[:8000]]).astype(np.float32)


@pytest.mark.parametrize("rest", [True, False])
def test_lips_of_any_model_of_crops_rest_unless_told_otherwise(rest: bool) -> None:
    form = Cropping(size=32, region="mouth", window=8, grow=0.6, feather=0.3, rest=rest)
    editor = CropEditor(Parrot(), Meter(), form, scheme="five")
    times, size = steady(64), (64, 64)
    track = track_for(times, size)
    frames = np.repeat(pictures(1, size), len(times), 0)
    voice, study = editor.hear([babble()]), editor.study(track, iter)
    made = np.concatenate([
        editor.edit(frames[k : k + 8], range(k, k + 8), times[k : k + 8], track, voice, study)
        for k in range(0, 64, 8)
    ])  # fmt: skip
    mouth = made[:, 40:48, 28:36].astype(float)
    change = np.abs(np.diff(mouth, axis=0)).mean((1, 2, 3))
    assert change[:20].max() > 0.5  # it speaks
    assert (change[34:43].max() < 1e-3) == rest  # 1.4 to 1.7 s
