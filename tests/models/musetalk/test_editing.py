"""MuseTalk as an editor: what it hears, what its switches change, what it pastes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from lipkit import config
from lipkit.audio import windows
from lipkit.errors import WeightsError
from lipkit.models.musetalk import blending
from lipkit.models.musetalk.config import MuseTalkConfig, SamplingConfig
from lipkit.models.musetalk.editing import MuseTalkEditor
from lipkit.models.musetalk.model import MuseTalk, build
from lipkit.protocols import Features
from tests.sync.films import steady

PLAIN = SamplingConfig()


@pytest.fixture(scope="module")
def model() -> MuseTalk:
    tables = config.load_preset("tiny-musetalk").tables
    torch.manual_seed(0)
    return build(config.resolve(MuseTalkConfig, preset=tables).model)


@pytest.fixture(scope="module")
def voice(model: MuseTalk) -> Features:
    wave = np.random.default_rng(0).standard_normal(32000).astype(np.float32) / 8
    return MuseTalkEditor(model, PLAIN).hear([wave[:999], wave[999:]])


def crops(count: int = 8) -> np.ndarray:
    noise = np.random.default_rng(1).uniform(-1, 1, (count, 3, 64, 64))
    return noise.astype(np.float32)


def drawn(model: MuseTalk, voice: Features, seed: int = 0, **change: Any) -> np.ndarray:
    editor = MuseTalkEditor(model, replace(PLAIN, **change), seed=seed)
    return editor.resynced(crops(), steady(8), voice)


@pytest.mark.parametrize("beyond", ["zeros", "repeat"])
def test_windows_are_musetalks(model: MuseTalk, beyond: str) -> None:
    editor = MuseTalkEditor(model, PLAIN)
    editor.form = replace(editor.form, beyond=beyond)
    data = np.random.default_rng(0).random((100, 5, 3), np.float32)
    found = editor.around(Features(data, Fraction(50), "whisper-tiny"), 0, 50).data
    if beyond == "zeros":
        expected = windows.musetalk_chunks(data, 32000, 25)
    else:
        expected = windows.cut(data, windows.latentsync_rows(100, 25))[:50]
    assert (found == expected).all()


def test_the_last_layer_is_heard_through_its_norm(model: MuseTalk) -> None:
    editor = MuseTalkEditor(model, PLAIN)
    norm = torch.nn.LayerNorm(3)
    torch.nn.init.normal_(norm.weight)
    network = type("Network", (), {"layer_norm": norm})()
    editor.encoder = type(
        "Encoder", (), {"model": network, "name": "whisper-tiny", "layers": 5, "width": 3}
    )()
    data = np.random.default_rng(0).random((4, 5, 3), np.float32)
    given = Features(data, Fraction(50), "whisper-tiny")
    heard = editor.recall(given, "x").data
    with torch.no_grad():
        assert torch.equal(torch.from_numpy(heard[:, 4]), norm(torch.from_numpy(data[:, 4])))
    assert (heard[:, :4] == data[:, :4]).all()
    editor.form = replace(editor.form, final_norm=False)
    assert (editor.recall(given, "x").data == data).all()


@pytest.mark.parametrize("change", [{"positions": False}, {"posterior": "draw"}], ids=str)
def test_switches_reach_the_network(model: MuseTalk, voice: Features, change: dict) -> None:
    assert np.abs(drawn(model, voice) - drawn(model, voice, **change)).mean() > 1e-6


def test_the_size_of_batches_does_not_matter(model: MuseTalk, voice: Features) -> None:
    whole = drawn(model, voice)
    apart = np.abs(whole - drawn(model, voice, batch=3)).mean()
    assert apart < 1e-2 * np.abs(whole).mean()  # single pixels of a random decoder magnify rounding


def test_seeds_matter_for_draws_only(model: MuseTalk, voice: Features) -> None:
    assert (drawn(model, voice) == drawn(model, voice, seed=1)).all()
    first, again, other = (drawn(model, voice, seed=k, posterior="draw") for k in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_windows_of_another_width_are_refused(model: MuseTalk) -> None:
    wrong = Features(np.zeros((2, 10, 16), np.float32), Fraction(25), "mel")
    syncer = MuseTalkEditor(model, PLAIN).syncer
    with pytest.raises(WeightsError, match="16 wide, the model hears 80"):
        list(syncer.sync([torch.zeros(2, 3, 64, 64)], wrong, PLAIN, torch.Generator()))


def test_the_official_mask_in_a_crop_is_the_one_in_the_picture() -> None:
    box = (40, 30, 136, 158)
    square = blending.square_around(box)
    parsed = np.full((512, 512), 255, np.uint8)
    expected = blending.prepared(parsed, box, square)
    x0, y0 = box[0] - square[0], box[1] - square[1]
    expected = expected[y0 : y0 + 128, x0 : x0 + 96] / 255
    matrix = np.array([[1.0, 0, -40], [0, 1.0, -30]])
    found = blending.softened(np.ones((128, 96), np.float32), matrix)
    inner = (slice(20, 108), slice(20, 76))  # at the rim one of them has seen what lies beyond
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.03)
