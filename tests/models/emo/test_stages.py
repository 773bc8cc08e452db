"""The stages train what they name, on cartoons; what was not named stands still."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.errors import BadInput, BadUsage
from lipkit.faces import mesh
from lipkit.models.emo import material, stages
from lipkit.models.emo.config import Drops, EmoConfig
from lipkit.models.emo.model import Emo, build
from lipkit.models.emo.objective import Lacking, counting, guide_of
from lipkit.models.parts import vae
from lipkit.training.loop import Limits, train
from lipkit.training.toys.takes import Toys, ToySpec

from .conftest import lively, resolved

TOYS = Toys(ToySpec(size=32, seconds=1.2, people=3, takes=3, held_out=2))
HALLO = {
    "model.unet.context": 16,
    "model.reference.spread": "interleaved",
    "model.reference.tokens": "repeated",
    "model.reference.motion": "train",
    "model.identity.source": "insightface",
    "model.hearing.block": "hierarchical",
    "model.speed.buckets": 0,
    "train.drop2.bank": True,
}
STAGES = {"stage1": stages.stage1, "stage2": stages.stage2, "stage3": stages.stage3}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short validation, and a network that knows no faces in InsightFace's place."""
    monkeypatch.setattr(stages, "CHECKED", 1)
    monkeypatch.setattr(stages, "STEPS", 1)

    class Faces:
        def embed(self, picture: np.ndarray) -> np.ndarray:
            return np.full(512, picture.mean() / 255, np.float32)

    monkeypatch.setattr(material, "recogniser", Faces)


def configured(**settings: object) -> EmoConfig:
    small = {f"train.{name}.batch": 2 for name in ("autoencoder", *STAGES)}
    return resolved(**small, **settings)


def made(name: str, **settings: object) -> tuple[Emo, Any]:
    config = configured(**settings)
    torch.manual_seed(0)
    model = build(config.model) if name == "stage1" else lively(config.model)
    model.requires_grad_(True)
    return model, STAGES[name](model, config, TOYS, 0)


def trained(model: Emo, stage: Any) -> set[str]:
    parts = {id(parameter) for parameter in stage.parameters(model)}
    return {name for name, parameter in model.named_parameters() if id(parameter) in parts}


@pytest.mark.parametrize(
    ("name", "sets", "parts", "never"),
    [
        ("stage1", {}, {"reference", "backbone", "locator"}, {"_modules", "speed"}),
        ("stage1", HALLO, {"reference", "backbone", "locator", "identity"}, {"_modules"}),
        ("stage2", {}, {"backbone", "hearing"}, {"attentions", "resnets", "speed"}),
        ("stage2", HALLO, {"backbone", "hearing"}, {"attentions", "resnets"}),
        ("stage3", {}, {"backbone", "speed"}, {"attentions", "audio_modules", "resnets"}),
    ],
)
def test_a_stage_trains_what_it_names_and_all_of_that_learns(
    name: str, sets: dict[str, object], parts: set[str], never: set[str]
) -> None:
    model, stage = made(name, **sets)
    for parameter in model.parameters():  # gradients pass what begins with zeros
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    names = trained(model, stage)
    assert {each.partition(".")[0] for each in names} == parts
    assert not [each for each in names if any(word in each for word in never)]
    stage.error(model, stage.batch(0, 0), Lacking()).backward()
    idle = {n for n, p in model.named_parameters() if n in names and p.grad is None}
    assert not idle


def test_there_is_no_third_stage_without_speeds() -> None:
    assert made("stage3", **HALLO)[1] is None


def test_presets_train_as_the_papers_say() -> None:
    def numbers(preset: str) -> Any:
        return settings.resolve(EmoConfig, preset=settings.load_preset(preset).tables).train

    emo, hallo = numbers("emo"), numbers("hallo")
    assert (emo.stage1.batch, emo.stage2.batch, emo.stage3.batch) == (48, 4, 4)
    assert (emo.stage1.frames, emo.stage2.frames, emo.stage3.frames) == (1, 12, 12)
    assert {s.learning_rate for s in (emo.stage1, emo.stage2, emo.stage3)} == {1e-5}
    assert (emo.gamma, emo.offset, emo.drop1.reference, emo.drop2.audio) == (0, 0, 0.05, 0.05)
    assert (hallo.stage1.batch, hallo.stage2.batch, hallo.stage2.frames) == (8, 4, 14)
    assert (hallo.gamma, hallo.offset, hallo.collapsed, hallo.apart) == (5, 0.05, True, 30)
    assert hallo.drop1 == Drops(0.1, 0, 0)
    assert hallo.drop2 == Drops(0.05, 0.05, 0.05, bank=True)
    assert hallo.start == "zero_pixels"


@pytest.mark.parametrize("name", list(STAGES))
def test_errors_fall(name: str, tmp_path: Path) -> None:
    model, stage = made(name, **{"train.drop1.guides": 0, "train.drop2.guides": 0})
    config = replace(stage.stage, steps=12, warmup=1, log_every=12, save_every=12)
    batch = stage.batch(0, 0)
    stage.batch = lambda seed, index: batch

    def error() -> float:
        torch.manual_seed(3)
        with torch.no_grad():
            return float(stage.error(model, batch, Lacking()))

    before = error()
    train(model, stage, config, tmp_path)
    assert error() < 0.95 * before
    assert list((tmp_path / "samples").iterdir())


def test_a_resumed_training_is_the_unbroken_one(tmp_path: Path) -> None:
    found = []
    for folder, halves in ((tmp_path / "whole", (4,)), (tmp_path / "halves", (2, 4))):
        folder.mkdir()
        for steps in halves:
            torch.manual_seed(0)
            model, stage = made("stage2")
            config = replace(stage.stage, steps=4, save_every=100, log_every=100)
            train(model, stage, config, folder, limits=Limits(steps), resume=True)
        found.append(model.state_dict())
    assert all(torch.equal(found[0][name], tensor) for name, tensor in found[1].items())


def test_checkpointing_changes_no_gradient() -> None:
    found = []
    for again in (False, True):
        model, stage = made("stage1")
        torch.nn.init.normal_(model.backbone.conv_out.weight)
        if again:
            model.reference.enable_gradient_checkpointing()
            model.backbone.enable_gradient_checkpointing()
        model.train()
        torch.manual_seed(1)
        stage.error(model, stage.batch(0, 0), Lacking()).backward()
        found.append(model.reference.conv_in.weight.grad)
    assert torch.allclose(*found, atol=1e-5, rtol=1e-3)


@pytest.fixture(scope="module")
def batch() -> tuple[Emo, dict[str, Tensor]]:
    config = configured()
    rows = material.places(TOYS.training, np.random.default_rng(0), config.model, 8, before=2)
    return lively(config.model), material.clips(list(islice(rows, 2)), config.model, 8)


@pytest.mark.parametrize(
    ("lacking", "unread"),
    [
        ("reference", "reference"),
        ("audio", "heard"),
        ("past", "past"),
        ("region", "face"),
    ],
)
def test_what_a_batch_lacks_is_not_seen(
    batch: tuple[Emo, dict[str, Tensor]], lacking: str, unread: str
) -> None:
    model, rows = batch
    other = rows[unread].flip(0) if unread != "face" else 255 - rows[unread]
    changed = rows | {unread: other}

    def predicted(given: dict[str, Tensor], lack: Lacking) -> Tensor:
        torch.manual_seed(0)
        guide = guide_of(model, vae.of(model), given, lack, start="zero_features")
        with torch.no_grad():
            return model.backbone(torch.zeros(2, 12, 8, 8, 8), 500, guide)

    without = Lacking(**{lacking: True})
    assert torch.allclose(predicted(rows, without), predicted(changed, without), atol=1e-5)
    whole = predicted(rows, Lacking()), predicted(changed, Lacking())
    assert not torch.allclose(*whole, atol=1e-4)


def test_lacking_follows_its_shares() -> None:
    assert Lacking.drawn(Drops(0, 0, 0)) == Lacking()
    assert Lacking.drawn(Drops(1, 0, 0, bank=True)) == Lacking(reference=True, bank=True)
    assert Lacking.drawn(Drops(0, 0, 0, 1)) == Lacking(reference=True, audio=True, region=True)


def test_errors_about_the_lips_count_more(batch: tuple[Emo, dict[str, Tensor]]) -> None:
    _, rows = batch
    config = configured()
    plain = replace(config.train, face=1.0, lips=1.0)
    assert torch.equal(counting(rows, config.model, plain), torch.ones(2, 1, 1, 8, 8))
    counts = counting(rows, config.model, config.train)
    assert counts.mean((1, 2, 3, 4)) == pytest.approx(1.0, rel=1e-4)
    lips = torch.nn.functional.interpolate(rows["lips"][:, None].float(), 8, mode="area")
    assert counts[:, :, 0][lips == 255].min() > counts[:, :, 0][lips == 0].max()


def test_stretches_show_a_face_and_references_lie_apart() -> None:
    form = configured().model
    rng = np.random.default_rng(0)
    for place in islice(material.places(TOYS.training, rng, form, 8, before=2), 20):
        assert 2 <= place.start <= len(place.take) - 8
        assert not place.start <= place.reference < place.start + 8
    for place in islice(material.places(TOYS.training, rng, form, 1, apart=10), 20):
        assert abs(place.start - place.reference) >= 10
    with pytest.raises(BadInput, match="no 50 frames with a face"):
        next(material.places(TOYS.training, rng, form, 50))
    with pytest.raises(BadInput, match="25 frames a second, the model has 30"):
        next(material.places(TOYS.training, rng, replace(form, fps=30), 8))


def test_speeds_are_angles_between_frames() -> None:
    angles = np.zeros((4, 3))
    angles[:, 0] = [0, 1, 3, 3]
    assert material.turned(mesh.rotation(angles)) == pytest.approx([1, 1, 2, 0], abs=1e-3)
    take = TOYS.training[0]
    assert material.velocity(take).shape == (len(take),)

    flat = SimpleNamespace(truth={}, scheme="dlib68", name="x.mkv")
    with pytest.raises(BadInput, match="dlib68 tells no turns"):
        material.velocity.__wrapped__(flat)


def test_frames_hear_their_neighbours_and_ends_are_held() -> None:
    form = configured().model
    take = TOYS.training[0]
    rows = material.windows(take, form, 0, 8)
    assert rows.shape == (8, 5, 4, 80)
    assert np.array_equal(rows[0, 0], rows[0, 2])
    assert np.array_equal(rows[3, 4], rows[5, 2])
    assert Fraction(form.fps) == take.fps


def test_more_frames_than_motion_modules_know_are_refused() -> None:
    with pytest.raises(BadUsage, match="motion modules know 16"):
        made("stage2", **{"train.stage2.frames": 15})
    with pytest.raises(BadUsage, match="nothing to train"):
        made("stage2", **{"train.parts2": ["nose"]})
