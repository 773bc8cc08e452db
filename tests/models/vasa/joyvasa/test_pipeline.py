"""Sound becomes as many frames as it lasts, the same for the same seed, however it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from lipkit import config
from lipkit.models.vasa.codecs.liveportrait.layout import LIVEPORTRAIT_LAYOUT
from lipkit.models.vasa.joyvasa import pipeline
from lipkit.models.vasa.joyvasa.config import JoyVasaConfig, SamplingConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa, build

PLAIN = SamplingConfig(head_steadiness=0.0)


@pytest.fixture(scope="module")
def model() -> JoyVasa:
    tables = config.load_preset("tiny-joyvasa").tables
    torch.manual_seed(0)
    return build(config.resolve(JoyVasaConfig, preset=tables).model).eval()


def sound(seconds: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.1, int(16000 * seconds))
    return noise.astype(np.float32)


def spoken(model: JoyVasa, wave: np.ndarray, sampling: SamplingConfig, seed: int) -> np.ndarray:
    made = pipeline.speak(model, sampling, [wave], seed)
    rows = np.concatenate(list(made.chunks))
    assert len(rows) == made.total
    return rows


@pytest.mark.parametrize("seconds", [0.01, 0.79, 0.8, 2.0])
@pytest.mark.parametrize("trim", [True, False])
def test_frames_are_as_many_as_said(model: JoyVasa, seconds: float, trim: bool) -> None:
    rows = spoken(model, sound(seconds), replace(PLAIN, trim=trim), 0)
    assert rows.shape[1] == len(LIVEPORTRAIT_LAYOUT.channels)
    expected = int(np.ceil(seconds * 25))
    assert len(rows) == expected if trim else abs(len(rows) - expected - 3) <= 1


def test_the_seed_and_the_sound_decide(model: JoyVasa) -> None:
    wave = sound(1.7)
    one = spoken(model, wave, PLAIN, 1)
    assert np.array_equal(one, spoken(model, wave, PLAIN, 1))
    assert not np.allclose(one, spoken(model, wave, PLAIN, 2), atol=1e-3)
    assert not np.allclose(one, spoken(model, wave[::-1].copy(), PLAIN, 1), atol=1e-4)
    pieces = pipeline.speak(model, PLAIN, [wave[:5000], wave[5000:]], 1)
    assert np.array_equal(one, np.concatenate(list(pieces.chunks)))


def test_motion_begins_at_rest_but_for_the_lips(model: JoyVasa) -> None:
    row = spoken(model, sound(0.5), PLAIN, 0)[0]
    at = LIVEPORTRAIT_LAYOUT.index
    assert row[at("scale")] == pytest.approx(1)
    for channel in ("shift_x", "yaw", "expression_0_x"):
        assert row[at(channel)] == pytest.approx(0, abs=1e-5)
    assert abs(row[at("expression_6_x")]) > 1e-4
    assert row[at("lips")] == 1


def test_steady_heads_move_less_and_go_on_over_windows() -> None:
    motion = torch.randn(50, 70)
    steady = pipeline.steadied(motion, 0.9)
    assert torch.equal(steady[:, :63], motion[:, :63])
    assert steady[:, 63:].diff(dim=0).abs().mean() < 0.2 * motion[:, 63:].diff(dim=0).abs().mean()
    first = pipeline.steadied(motion[:20], 0.9)
    rest = pipeline.steadied(motion[20:], 0.9, first[-1, 63:])
    assert torch.allclose(torch.cat([first, rest]), steady, atol=1e-5)


def test_the_tail_is_silent_or_held(model: JoyVasa) -> None:
    wave = np.full(3000, 0.5, np.float32)
    (window,) = pipeline.windows([wave], model.config, "zero")
    assert (len(window.sound), window.frames) == (20 * 640, 7)
    assert window.sound[:1280].max() == window.sound[-1] == 0
    assert window.sound[2000] == 0.5


@pytest.mark.parametrize("samples", [1, 11_520, 12_801, 30_000])
def test_a_sound_that_comes_in_pieces_moves_as_the_whole(model: JoyVasa, samples: int) -> None:
    wave = np.random.default_rng(0).standard_normal(samples).astype(np.float32) * 0.1
    whole = list(pipeline.windows([wave], model.config, "zero"))
    pieces = [wave[i : i + 999] for i in range(0, samples, 999)]
    for one, other in zip(whole, pipeline.windows(pieces, model.config, "zero"), strict=True):
        np.testing.assert_array_equal(one.sound, other.sound)
        assert one.frames == other.frames
    moved = np.concatenate(list(pipeline.speak_live(model, SamplingConfig(), pieces)))
    spoken = pipeline.speak(model, SamplingConfig(), [wave], 0)
    np.testing.assert_allclose(moved, np.concatenate(list(spoken.chunks)), atol=1e-5)
    assert len(moved) == spoken.total


def test_windows_move_before_the_sound_is_over(model: JoyVasa) -> None:
    taken = 0

    def sound() -> Iterator[np.ndarray]:
        nonlocal taken
        for _ in range(10):
            taken += 6400
            yield np.zeros(6400, np.float32)

    next(pipeline.speak_live(model, SamplingConfig(), sound()))
    assert taken == 12_800  # a window is 20 frames of 640 samples
