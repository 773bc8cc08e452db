"""The stages learn from cartoons; who is not at turn stands still; excerpts fit their sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lipkit import config as settings
from lipkit.audio import windows
from lipkit.errors import BadInput, BadUsage, WeightsError
from lipkit.models.wav2lip import material, stages
from lipkit.models.wav2lip.config import ModelConfig, Wav2LipConfig
from lipkit.models.wav2lip.model import Wav2Lip, build
from lipkit.training.loop import train
from lipkit.training.toys.takes import Toys, ToySpec

TOYS = Toys(ToySpec(size=64, seconds=1.0, people=4, takes=8, held_out=2))


@pytest.fixture(scope="module")
def form() -> Wav2LipConfig:
    changes = ["train.expert.batch=4", "train.generator.batch=2", "train.sync_from=2"]
    preset = settings.load_preset("tiny-wav2lip").tables
    return settings.resolve(Wav2LipConfig, preset=preset, sets=changes)


@pytest.fixture
def model(form: Wav2LipConfig) -> Wav2Lip:
    torch.manual_seed(0)
    return build(form.model)


def copies(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def changed(module: nn.Module, before: Iterable[Tensor]) -> bool:
    now = module.state_dict().values()
    return any(not torch.equal(a, b) for a, b in zip(now, before, strict=True))


def test_excerpts_are_faces_with_the_sound_that_begins_with_them() -> None:
    rng = np.random.default_rng(0)
    batch = material.scenes(TOYS.training, rng, 2)
    assert {k: tuple(v.shape) for k, v in batch.items()} == {
        "faces": (2, 3, 5, 96, 96),
        "others": (2, 3, 5, 96, 96),
        "mels": (2, 5, 1, 80, 16),
    }
    assert not torch.equal(batch["faces"], batch["others"])
    take = TOYS.training[0]
    mels = material.mels_of(take, 3)
    first = windows.mel_starts(len(material.mel_of(take)), 25)[3:8]
    expected = [material.mel_of(take)[k : k + 16].T for k in first]
    assert (mels[:, 0].numpy() == np.stack(expected)).all()


def test_the_crop_holds_the_face() -> None:
    take = TOYS.training[0]
    found = material.faces_of(take, 2)
    picture = torch.from_numpy(take.pictures(2, 3)[0, ..., ::-1].copy()).float() / 255
    assert (found[:, 0].mean((1, 2)) - picture.mean((0, 1))).abs().max() < 0.2
    assert found.std() > 0.05


def test_pairs_are_of_one_moment_or_not() -> None:
    batch = material.pairs(TOYS.training, np.random.default_rng(1), 16)
    assert 2 < batch["together"].sum() < 14
    assert batch["faces"].shape == (16, 3, 5, 96, 96)


def test_takes_too_short_are_bad_input() -> None:
    short = Toys(ToySpec(size=32, seconds=0.2, people=1, takes=2, held_out=1))
    with pytest.raises(BadInput, match="no 10 frames in a row"):
        material.scenes(short.training, np.random.default_rng(0), 1)


def test_the_expert_learns_alone(model: Wav2Lip, form: Wav2LipConfig, tmp_path: Path) -> None:
    stage = stages.expert(model, form, TOYS, 0)
    still, before = copies(model.generator), copies(model.expert)
    train(model, stage, replace(form.train.expert, steps=2), tmp_path)
    assert changed(model.expert, before)
    assert not changed(model.generator, still)
    with torch.inference_mode():
        assert 0.1 < stage.validate(model.eval())["agreement"] < 3


def test_the_generator_learns_against_its_judge(
    model: Wav2Lip, form: Wav2LipConfig, tmp_path: Path
) -> None:
    stage = stages.generator(model, form, TOYS, 0)
    before = {name: copies(part) for name, part in model.named_children()}
    config = replace(form.train.generator, steps=3)
    heard: dict[str, float] = {}
    train(
        model, stage, replace(config, log_every=1), tmp_path, report=lambda p: heard.update(p.terms)
    )
    assert changed(model.generator, before["generator"])
    assert changed(model.judge, before["judge"])
    assert not changed(model.expert, before["expert"])  # its norms' statistics included
    assert {"pixels", "sync", "quality", "filmed.judge", "made.judge"} <= heard.keys()
    assert stage.sample(model.eval(), stage.batch(0, 0)).shape == (2, 2, 3, 96, 96)
    assert 0 < stage.validate(model)["levels"] < 255


def test_lips_need_not_fit_at_first_nor_please_without_a_judge(
    model: Wav2Lip, form: Wav2LipConfig
) -> None:
    calm = replace(form, train=replace(form.train, perceptual=0.0))
    stage = stages.generator(model, calm, TOYS, 0)
    assert stage.rivals == []
    batch = stage.batch(0, 0)
    assert set(stage.loss(model, batch, 1)) == {"pixels"}
    assert set(stage.loss(model, batch, 2)) == {"pixels", "sync"}


@torch.no_grad()
def test_the_judge_is_mistaken_where_it_believes_the_contrary() -> None:
    sure = torch.tensor([[0.9], [0.9]])
    with torch.autocast("cpu", torch.bfloat16):
        assert float(stages.mistaken(sure, 1.0)) == pytest.approx(-np.log(0.9), rel=1e-4)
        assert float(stages.mistaken(sure, 0.0)) == pytest.approx(-np.log(0.1), rel=1e-4)


def test_without_judges_they_come_from_the_store(
    form: Wav2LipConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    bare = build(ModelConfig(width=2, judges=False))
    with pytest.raises(WeightsError, match="wav2lip-expert are not here"):
        stages.generator(bare, form, TOYS, 0)
    with pytest.raises(BadUsage, match="no expert of its own"):
        stages.expert(bare, form, TOYS, 0)
