"""JoyVASA's training: footage as motion, the scale of motion, and a stage that learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit import config
from lipkit.errors import BadInput
from lipkit.models.vasa.codecs.liveportrait.codec import LivePortraitCodec
from lipkit.models.vasa.joyvasa import stages
from lipkit.models.vasa.joyvasa.config import EXPRESSION, JoyVasaConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa, build
from lipkit.training.config import StageConfig
from lipkit.training.loop import train
from lipkit.training.toys.takes import Toys, parse
from tests.models.vasa.codecs.liveportrait_toy import toy

QUICK = StageConfig(steps=20, batch=4, learning_rate=2e-3, log_every=5, weight_decay=0.0)


@pytest.fixture
def model() -> JoyVasa:
    torch.manual_seed(0)
    return build(settings().model)


def settings() -> JoyVasaConfig:
    tables = config.load_preset("tiny-joyvasa").tables
    return config.resolve(JoyVasaConfig, preset=tables)


def performances(count: int) -> list[stages.Performance]:
    """Motion that is loud where the sound is."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        loud = rng.random(60).repeat(5)[:60].astype(np.float32)
        motion = loud[:, None] * np.linspace(-1, 1, 70, dtype=np.float32)
        wave = loud.repeat(640) * rng.standard_normal(60 * 640).astype(np.float32) * 0.1
        found.append(stages.Performance(motion, wave))
    return found


def test_expressions_are_told_in_deviations_and_poses_in_spans(model: JoyVasa) -> None:
    takes = performances(3)
    stage = stages.GeneratorStage(QUICK, takes, takes)
    stage.parameters(model)
    rows = torch.from_numpy(np.concatenate([take.motion for take in takes]))
    told = model.normalised(rows)
    moving = rows.std(0) > 1e-3
    assert torch.allclose(
        told[:, :EXPRESSION].std(0)[moving[:EXPRESSION]], torch.ones(()), atol=1e-2
    )
    head = told[:, EXPRESSION:]
    assert torch.allclose(head.amin(0), torch.zeros(7), atol=1e-4)
    assert torch.allclose(head.amax(0), torch.ones(7), atol=1e-4)
    assert torch.allclose(model.absolute(told), rows, atol=1e-4)


def test_the_stage_learns_and_leaves_the_first_convolutions_alone(
    model: JoyVasa, tmp_path: Path
) -> None:
    takes = performances(4)
    stage = stages.GeneratorStage(QUICK, takes[:3], takes[3:])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    stage.parameters(model)
    torch.manual_seed(1)
    first = stage.validate(model)["loss"]
    train(model, stage, QUICK, tmp_path)
    torch.manual_seed(1)
    assert stage.validate(model)["loss"] < first
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert not any(name.startswith("hearing.feature_extractor") for name in changed)
    for part in ("hearing.encoder", "denoiser.", "audio_map", "start_motion", "null_audio"):
        assert any(name.startswith(part) for name in changed), part


def test_the_second_window_follows_the_true_first_one(model: JoyVasa) -> None:
    takes = performances(2)
    stage = stages.GeneratorStage(QUICK, takes, takes)
    stage.parameters(model)
    terms = stage.loss(model, stage.batch(0, 0), 0)
    assert set(terms) == set(stages.WEIGHTS)  # head_trans tells of the joint with the first
    batch = stage.batch(0, 0)
    assert batch["motion"].shape == (4, 40, 70)
    assert batch["wave"].shape == (4, 40 * 640)
    again = stage.batch(0, 0)
    assert all(torch.equal(batch[name], again[name]) for name in batch)


def test_models_with_channels_that_nothing_reads_are_trained_too() -> None:
    made = torch.zeros(1, 5, 70)
    wide = config.resolve(JoyVasaConfig, sets=["model.denoiser.channels=73"])
    model = type("Model", (), {"config": wide.model})
    assert stages.GeneratorStage.channels(model, made).shape == (1, 5, 73)


def test_footage_becomes_motion_at_the_generators_rate() -> None:
    toys = Toys(parse("toy:size=64,people=2,takes=1,held_out=1,seconds=2"))
    torch.manual_seed(0)
    codec = LivePortraitCodec(toy())
    found = stages.performed(toys.training[0], codec, 25)
    assert found.motion.shape == (50, 70)
    assert found.wave.shape == (50 * 640,)
    assert np.isfinite(found.motion).all()
    stage = stages.of_footage(build(settings().model), settings(), toys, codec)
    assert len(stage.training) == 1


def test_clips_too_short_for_two_windows_are_refused() -> None:
    toys = Toys(parse("toy:size=64,people=2,takes=1,held_out=1,seconds=1"))
    with pytest.raises(BadInput, match="40 frames"):
        stages.of_footage(build(settings().model), settings(), toys, LivePortraitCodec(toy()))
