from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.media.audio import read_wave
from lipkit.models import load
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.config import ControlsConfig, SamplingConfig
from lipkit.models.vasa.expression import APERTURE, FURTHEST, HEAD, LIDS, MOUTH, TURNS, finished
from lipkit.models.vasa.pipeline import JOINT, VoiceGenerator, hear, joined, move

SAMPLING = SamplingConfig(steps=3)


def moved(model, audio, **more):
    return np.concatenate(list(move(model, audio, more.pop("sampling", SAMPLING), **more)))


def test_a_frame_for_every_25th_of_a_second(tiny, babble):
    model = tiny
    for seconds, frames in ((0, 1), (0.01, 1), (0.5, 12), (1.24, 31)):
        motion = moved(model, hear(model, [babble(seconds)]))
        assert motion.shape == (frames, len(MESH_LAYOUT.channels))
        assert np.isfinite(motion).all()


def test_same_seed_same_motion_other_seed_other_head(tiny, babble):
    model = tiny
    audio = hear(model, [babble(2)])
    one, again, other = (moved(model, audio, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one[:, HEAD], other[:, HEAD])


def test_going_on_from_a_state_equals_the_unbroken_run(tiny, babble):
    model = tiny
    audio = hear(model, [babble(3)])
    generator = VoiceGenerator(model, SAMPLING, seed=4)
    _, state = generator.generate(audio[:10], {}, None)
    _, state = generator.generate(audio[10:20], {}, state)
    rest = moved(model, audio, seed=4, state=state)
    np.testing.assert_array_equal(rest, moved(model, audio, seed=4)[20:])


def test_controls_turn_the_gaze_and_bring_the_head_nearer(tiny, babble):
    audio = hear(tiny, [babble(1)])
    ahead = moved(tiny, audio)
    for controls in (ControlsConfig(gaze=(10.0, 0.0)), ControlsConfig(distance=0.1)):
        assert not np.allclose(ahead, moved(tiny, audio, controls=controls))
    generator = VoiceGenerator(tiny, SAMPLING)
    asked, _ = generator.generate(audio[:10], {"gaze": (10.0, 0.0)}, None)
    told = VoiceGenerator(tiny, SAMPLING, ControlsConfig(gaze=(10.0, 0.0)))
    np.testing.assert_array_equal(asked, told.generate(audio[:10], {}, None)[0])
    with pytest.raises(ValueError, match="two angles"):
        ControlsConfig(gaze=(1.0,))


def test_silence_rests_whatever_was_generated():
    motion = np.random.default_rng(0).standard_normal((20, 15)).astype(np.float32)
    heard = np.zeros((20, 26), np.float32)
    heard[10:, -1] = 1
    shown = finished(motion, heard, SAMPLING)
    assert (shown[10:, APERTURE] == 0).all()
    assert (shown[10:, 1] == 0).all()
    assert shown[:10, APERTURE].max() > 0
    assert shown[:, APERTURE].min() >= 0
    assert shown[:, LIDS].min() >= 0
    assert shown[:, LIDS].max() <= 1


def test_controls_scale_the_head_and_hold_the_lids():
    motion = np.ones((4, 15), np.float32)
    heard = np.zeros((4, 26), np.float32)
    still = finished(motion, heard, replace(SAMPLING, head_motion=0.0, blink=False))
    assert not still[:, HEAD].any()
    assert not still[:, LIDS].any()


def test_no_head_turns_further_than_a_photo_bears():
    motion = np.full((4, 15), 90, np.float32)
    turned = finished(motion, np.zeros((4, 26), np.float32), SAMPLING)[:, TURNS]
    assert (turned <= FURTHEST).all()
    assert (turned > 0.99 * FURTHEST).all()


def test_windows_join_where_the_head_was_going():
    before = torch.zeros(4, 15)
    before[:, HEAD] = torch.arange(4.0)[:, None]
    window = torch.full((30, 15), 9.0)
    shown = joined(window, before)
    torch.testing.assert_close(shown[0, HEAD], torch.full((6,), 3.8))
    torch.testing.assert_close(shown[JOINT:], window[JOINT:])
    torch.testing.assert_close(shown[:, MOUTH], window[:, MOUTH])
    assert torch.equal(joined(window, None), window)


def test_the_defaults_controls_move_what_they_name():
    model = load("builtin", verb="animate", device="cpu")
    wave = read_wave(Path(str(resources.files("lipkit") / "assets" / "speech.flac")))[: 16000 * 4]
    audio = hear(model.module, [wave])

    def means(channel, *wishes):
        column = MESH_LAYOUT.index(channel)
        return np.array(
            [moved(model.module, audio, controls=wish)[:, column].mean() for wish in wishes]
        )

    aside = means("gaze_x", *(ControlsConfig(gaze=(x, 0.0)) for x in (-12.0, 0.0, 12.0)))
    assert (np.diff(aside) > 6).all()
    near = means("scale", *(ControlsConfig(distance=d) for d in (-0.08, 0.0, 0.08)))
    np.testing.assert_allclose(near, (-0.08, 0, 0.08), atol=0.02)
