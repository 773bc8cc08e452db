"""SyncNet accuracy with a stand-in whose judgement is known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.media.audio import read_wave
from lipkit.metrics.stable_syncnet import (
    MOST,
    AccuracyWatch,
    agreement,
    matrices,
    window_starts,
)
from lipkit.protocols import Passage
from tests.conftest import ROOT
from tests.metrics.conftest import Scene

COUNT = 130
SPEECH = read_wave(ROOT / "lipkit" / "assets" / "speech.flac")[: COUNT * 640]


class Encoder(torch.nn.Module):
    """One-hot embeddings in the order of the calls, or always the same one."""

    def __init__(self, keen: bool) -> None:
        super().__init__()
        self.conv_in = torch.nn.Conv2d(1, 1, 1)
        self.keen, self.seen = keen, list[torch.Size]()

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        place = len(self.seen) if self.keen else 0
        self.seen.append(picture.shape)
        return torch.nn.functional.one_hot(torch.tensor([place]), 64).float()


class Network(torch.nn.Module):
    config = SimpleNamespace(frames=16)

    def __init__(self, keen: bool) -> None:
        super().__init__()
        self.audio_encoder, self.visual_encoder = Encoder(keen), Encoder(keen)


Film = Callable[..., SimpleNamespace]


def clip_of(filmed: Film, **rest: Any) -> SimpleNamespace:
    opening = 0.1 + 0.1 * np.sin(np.arange(COUNT))
    return filmed(np.zeros((COUNT, 3)), opening, wave=SPEECH, **rest)


def watched(clip: Any, scene: Scene, network: Network) -> Any:
    watch = AccuracyWatch(clip, network)
    for row in range(COUNT):
        watch.see(Passage(np.array([row]), scene.frames[:1].copy()))
    return watch.scores()["syncnet_accuracy"]


def test_a_network_that_tells_all_windows_apart_scores_one(filmed: Film, scene: Scene) -> None:
    network = Network(keen=True)
    found = watched(clip_of(filmed), scene, network)
    assert (found.value, found.frames) == (1, 8 * 16)
    assert found.settings["cosine_own"] == 1
    assert found.settings["cosine_other"] == 0
    assert set(network.visual_encoder.seen) == {(1, 48, 128, 256)}
    assert set(network.audio_encoder.seen) == {(1, 1, 80, 52)}


def test_a_network_that_likes_everything_scores_a_half(filmed: Film, scene: Scene) -> None:
    assert watched(clip_of(filmed), scene, Network(keen=False)).value == 0.5


def test_windows_have_a_face_throughout(filmed: Film, scene: Scene) -> None:
    valid = np.ones(COUNT, bool)
    valid[[20, 90]] = False
    found = watched(clip_of(filmed, valid=valid), scene, Network(keen=True))
    assert found.settings["windows"] == 6  # of eight, the second and the sixth are gone


@pytest.mark.parametrize("valid", [np.arange(COUNT) < 17, np.arange(COUNT) < 9])
def test_one_window_is_not_enough(filmed: Film, scene: Scene, valid: np.ndarray) -> None:
    found = watched(clip_of(filmed, valid=valid), scene, Network(keen=True))
    assert found.value is None
    assert "fewer than 2" in found.reason


def test_windows_spread_over_a_long_clip_within_shots_and_sound() -> None:
    shot = (np.arange(4000) > 1605).astype(int)
    track: Any = SimpleNamespace(valid=np.ones(4000, bool), shot=shot)
    track = type("Track", (), {"__len__": lambda self: 4000, **vars(track)})()
    starts = window_starts(track, 16, 80 * 160)
    assert len(starts) == MOST
    assert (starts[0], starts[-1] % 16, 1600 in starts) == (0, 0, False)
    assert 4000 - 48 <= starts[-1] <= 4000 - 16


def test_each_shot_is_aligned_by_itself(filmed: Film) -> None:
    clip = clip_of(filmed)
    whole = matrices(clip.track25)
    assert len(whole) == COUNT
    clip.track25.shot[60:] = 1
    parts = matrices(clip.track25)
    assert np.array_equal(parts[30], whole[30])
    assert parts[60] == pytest.approx(whole[0], abs=3)


def test_agreement_counts_both_kinds_of_mistakes() -> None:
    cosine, fits = np.array([0.9, 0.4, 0.5, 0.51]), np.array([True, True, False, False])
    assert agreement(cosine, fits) == 0.5
