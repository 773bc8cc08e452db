"""Wav2Lip as an editor: what it hears, the colours it sees, where its faces go."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from lipkit.audio import windows
from lipkit.errors import WeightsError
from lipkit.models.wav2lip.config import ModelConfig, SamplingConfig
from lipkit.models.wav2lip.editing import Wav2LipEditor
from lipkit.models.wav2lip.generator import beheaded
from lipkit.models.wav2lip.model import build
from lipkit.models.wav2lip.pipeline import Wav2LipSyncer
from lipkit.protocols import Features
from tests.sync.films import steady


@pytest.fixture(scope="module")
def editor() -> Wav2LipEditor:
    torch.manual_seed(0)
    return Wav2LipEditor(build(ModelConfig(width=2)).eval(), SamplingConfig())


@pytest.fixture(scope="module")
def voice(editor: Wav2LipEditor) -> Features:
    wave = np.random.default_rng(0).standard_normal(32000).astype(np.float32) / 8
    return editor.hear([wave[:999], wave[999:]])


def crops(count: int = 16) -> np.ndarray:
    noise = np.random.default_rng(1).uniform(-1, 1, (count, 3, 96, 96))
    return noise.astype(np.float32)


def test_windows_are_wav2lips_and_silence_follows_the_sound(
    editor: Wav2LipEditor, voice: Features
) -> None:
    columns = voice.data[:, 0]
    starts = windows.mel_starts(len(columns), 25)[:-1]
    heard = editor.around(voice, 0, 60).data
    for window, start in zip(heard, starts, strict=False):
        assert (window == columns[start : start + 16]).all()
    assert (heard[55:] == -4).all()


def test_faces_go_in_as_the_weights_know_them(editor: Wav2LipEditor, voice: Features) -> None:
    given = torch.from_numpy(crops(3))
    heard = editor.around(voice, 5, 3)
    (made,) = Wav2LipSyncer(editor.syncer.generator).sync([given], heard, None, None)
    mels = torch.from_numpy(heard.data).transpose(1, 2)[:, None]
    with torch.no_grad():
        expected = editor.syncer.generator(mels, beheaded(given.flip(1) / 2 + 0.5))
    torch.testing.assert_close(made.flip(1) / 2 + 0.5, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fps", [24, Fraction(30000, 1001), 60])
def test_every_rate_of_frames_is_served(
    editor: Wav2LipEditor, voice: Features, fps: Fraction
) -> None:
    times = [time for time in steady(60, Fraction(fps)) if time < editor.beat]
    made = editor.resynced(crops(len(times)), times, voice)
    assert made.shape == (len(times), 3, 96, 96)
    assert np.isfinite(made).all()


def test_features_of_another_encoder_are_refused(editor: Wav2LipEditor) -> None:
    wrong = Features(np.zeros((2, 20, 80), np.float32), Fraction(25), "mel")
    with pytest.raises(WeightsError, match="the model hears 16 columns of 80 bands"):
        list(editor.syncer.sync([torch.zeros(2, 3, 96, 96)], wrong, None, None))
