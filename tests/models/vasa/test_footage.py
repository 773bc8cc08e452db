"""Own footage: lips brought in time, and a front end that comes to hear them."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.errors import BadInput, BadUsage
from lipkit.models.vasa import footage, stages
from lipkit.models.vasa.config import VasaConfig
from lipkit.models.vasa.mel import log_mel
from lipkit.training.clips import Clips
from lipkit.training.loop import train
from lipkit.training.voices.source import Source


@dataclass
class Take:
    """A clip as far as the stage looks at it."""

    wave: np.ndarray
    points: np.ndarray
    name: str = "take"
    fps: Fraction = field(default_factory=lambda: Fraction(25))
    scheme: str = "mediapipe478"

    @property
    def valid(self) -> np.ndarray:
        return np.ones(len(self.points), np.bool_)


class People:
    """Training data of a few takes."""

    name = "people"

    def __init__(self, *takes: Take) -> None:
        self.training, self.held_out = list(takes), []


def face(aperture: np.ndarray, width: np.ndarray) -> np.ndarray:
    """FaceMesh points ``(f, 478, 3)`` with such lips, as `mesh` measures them."""
    from lipkit.faces import mesh

    points = np.zeros((len(aperture), 478, 3))
    points[:, [33, 263]] = [[-50, 0, 0], [50, 0, 0]]
    points[:, [10, 152]] = [[0, -60, 0], [0, 120, 0]]
    for upper, lower in zip(mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS, strict=True):
        points[:, list(upper), 1] = 60
        points[:, list(lower), 1] = 60 + 100 * aperture[:, None]
    points[:, 61, 0], points[:, 291, 0] = -50 * width, 50 * width
    return points.astype(np.float32)


@pytest.fixture
def take(tiny, babble) -> Take:
    """Six seconds whose lips are those that the front end hears, but four frames early."""
    wave = babble(6)
    heard = footage.heard_lips(tiny.frontend, log_mel([wave]))
    heard = np.roll(heard, -4, axis=0)
    return Take(wave, face(0.1 + 0.3 * heard[:, 0], 0.5 + 0.3 * heard[:, 1]))


def test_lips_are_brought_to_where_they_fit_the_sound(tiny, take, caplog):
    caplog.set_level("INFO")
    clip = footage.in_time(tiny.frontend, take)
    assert "lips lead by 4 frames" in caplog.text
    heard = footage.heard_lips(tiny.frontend, clip.rows)
    r = footage.followed(torch.from_numpy(heard.T), torch.from_numpy(clip.lips.T))
    assert r.min() > 0.99
    assert np.isnan(clip.lips[:4]).all()
    assert np.isfinite(clip.lips[4:]).all()


def test_lips_at_another_rate_are_told_25_times_a_second(take):
    take.fps = Fraction(50)
    assert footage.filmed_lips(take).shape == (75, 2)


def test_lips_that_have_nothing_to_do_with_the_sound_are_left_out(tiny, take, caplog):
    rng = np.random.default_rng(0)
    take.points = face(0.1 + 0.02 * rng.random(150), 0.5 + 0.02 * rng.random(150))
    assert footage.in_time(tiny.frontend, take) is None
    assert "do not follow its sound" in caplog.text


def test_correlation_counts_known_frames_only():
    made = torch.tensor([[1.0, 2.0, 3.0, -50.0]])
    real = torch.tensor([[2.0, 4.0, 6.0, float("nan")]])
    assert footage.followed(made, real).item() == pytest.approx(1, abs=1e-5)
    assert footage.followed(made, torch.full((1, 4), float("nan"))).item() == 0


def test_the_front_end_learns_the_lips_and_the_rest_stays(tiny, take, tmp_path: Path):
    tiny.motion_deviation.fill_(2)  # as after a training
    rolled = np.roll(take.points, 2, axis=0)  # lips that it does not know yet
    config = VasaConfig()
    stage = footage.footage(tiny, config, People(Take(take.wave, rolled)), 0)
    short = config.train.footage.__class__(steps=25, batch=4, frames=50, learning_rate=3e-3)
    stage.config = short
    before = {name: value.clone() for name, value in tiny.state_dict().items()}
    first = stage.loss(tiny, stage.batch(0, 0), 0)["lips"].item()
    train(tiny, stage, short, tmp_path)
    last = stage.loss(tiny.eval(), stage.batch(0, 0), 0)["lips"].item()
    assert last < first
    changed = {name for name, value in tiny.state_dict().items() if not value.equal(before[name])}
    assert changed
    assert all(name.startswith("frontend.") for name in changed)


def test_footage_goes_on_from_a_training(tiny, take):
    with pytest.raises(BadUsage, match="--from builtin"):
        footage.footage(tiny, VasaConfig(), People(take), 0)


def test_footage_without_a_voice_is_refused(tiny, take):
    tiny.motion_deviation.fill_(2)
    take.wave = np.zeros_like(take.wave)
    with pytest.raises(BadInput, match="no clip whose lips follow"):
        footage.footage(tiny, VasaConfig(), People(take), 0)


def test_each_kind_of_data_has_its_stages(tiny, tmp_path: Path):
    corpus = Source(tmp_path)
    assert footage.footage(tiny, VasaConfig(), corpus, 0) is None
    (tmp_path / "a.mkv").write_bytes(b"")
    assert Clips.here(tmp_path)
    for stage in (stages.frontend, stages.generator):
        assert stage(tiny, VasaConfig(), corpus, 0) is None
