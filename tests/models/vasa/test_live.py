"""A voice that is still speaking moves a face as its recording would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from lipkit.media.audio import read_wave
from lipkit.models import load
from lipkit.models.vasa.config import SamplingConfig
from lipkit.models.vasa.expression import APERTURE, TURNS, WIDTH
from lipkit.models.vasa.live import KNOWN, RECENT, Ear, speak_live
from lipkit.models.vasa.mel import ROWS, streamed
from lipkit.models.vasa.pipeline import VoiceGenerator, hear, move

QUICK = SamplingConfig(steps=2, live_hop=3, live_ahead=4)


def live(model, sound, sampling=QUICK, seed=0):
    return np.concatenate(list(speak_live(model, sampling, sound, seed)))


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 2.7])
def test_as_many_frames_as_a_recording_has(tiny, babble, seconds):
    wave = babble(seconds)
    made = live(tiny, [wave])
    assert made.shape == (max(1, round(25 * seconds)), 15)
    assert np.isfinite(made).all()


def test_it_does_not_matter_how_the_sound_is_cut(tiny, babble):
    wave = babble(3)
    pieces = [wave[i : i + 401] for i in range(0, len(wave), 401)]
    np.testing.assert_allclose(live(tiny, [wave]), live(tiny, pieces), atol=1e-5)


def test_frames_come_as_soon_as_what_they_hear_has_come(tiny, babble):
    arrived = 0

    def sound() -> Iterator[np.ndarray]:
        nonlocal arrived
        for _ in range(100):
            arrived += 1
            yield babble(0.04)

    for count, rows in enumerate(speak_live(tiny, QUICK, sound()), 1):
        waits = arrived - 3 * (count - 1)  # frames of sound since the first of these
        assert arrived == 100 or waits <= 3 + 4 + 1, count  # one more fills the last mel window
        assert len(rows) <= 3


def test_a_window_may_hear_more_than_it_moves(tiny, babble):
    audio = hear(tiny, [babble(0.4)])
    whole, _ = VoiceGenerator(tiny, QUICK).generate(audio, {}, None)
    part, state = VoiceGenerator(tiny, QUICK).generate(audio, {"frames": 6}, None)
    np.testing.assert_allclose(part, whole[:6], atol=1e-5)
    assert state.frame == 6
    assert len(state.motion) == len(state.audio) == tiny.generator.config.context


def test_what_is_kept_does_not_grow(tiny, babble):
    ear = Ear(tiny.frontend)
    done = 0
    for rows in streamed(babble(1, seed) for seed in range(20)):
        ear.take(rows)
        while ear.frames >= done + 20:
            ear.hear(done, done + 20)
            done += 15
    assert done > 450
    assert len(ear.recent) <= ROWS * (RECENT + 40)
    assert len(ear.voice) == ROWS * KNOWN


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="live_hop"):
        SamplingConfig(live_hop=0)


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def test_the_default_moves_as_for_the_recording():
    """Lips as from the file, r 0.9; the head is drawn from the same noise and as lively."""
    model = load("builtin", verb="animate", device="cpu")
    wave = read_wave(Path(str(resources.files("lipkit") / "assets" / "speech.flac")))[: 16000 * 5]
    sampling = replace(model.config.sampling, live_hop=10)
    known = np.concatenate(list(move(model.module, hear(model.module, [wave]), sampling)))
    made = live(model.module, [wave], sampling)
    for channel in (APERTURE, WIDTH):
        assert correlation(made[:, channel], known[:, channel]) > 0.9
    steps = np.abs(np.diff(made[:, TURNS], axis=0))
    joints = np.arange(9, len(steps), 10)
    usual = np.percentile(np.delete(steps, joints, axis=0), 95, axis=0)
    assert np.median(steps[joints], axis=0).max() < usual.max()  # windows join without a jump
    assert (steps[joints] > usual).mean() < 0.15
    assert 0.5 < steps.mean() / np.abs(np.diff(known[:, TURNS], axis=0)).mean() < 2
