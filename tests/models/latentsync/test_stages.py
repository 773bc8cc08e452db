"""The stages learn from cartoons and train what they name; frozen networks stand still."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from lipkit import config as settings
from lipkit.cli import lipkit
from lipkit.errors import BadInput, BadUsage, WeightsError
from lipkit.models import load
from lipkit.models.latentsync import material, stages
from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.latentsync.judges import StandInLpips, StandInVideo, judges_of
from lipkit.models.latentsync.model import LatentSync, build
from lipkit.models.parts import checkpoint
from lipkit.training import speaking
from lipkit.training.loop import Limits, Progress, train
from lipkit.training.toys.takes import Toys, ToySpec

DATA = "toy:size=64,seconds=2.0,people=3,takes=3,held_out=2"
TOYS = Toys(ToySpec(size=64, seconds=2.0, people=3, takes=3, held_out=2))
SMALL = (
    *(f"train.{name}.{key}" for name in ("stage1", "stage2") for key in ("batch=1", "log_every=1")),
    "train.autoencoder.batch=1",
    "train.autoencoder.frames=2",
    "train.autoencoder.log_every=1",
)


@pytest.fixture(scope="module")
def syncnet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of an untrained SyncNet."""
    tables = settings.load_preset("tiny-syncnet").tables
    form = settings.resolve(ExpertConfig, preset=tables).model
    path = tmp_path_factory.mktemp("syncnet") / "weights.safetensors"
    torch.manual_seed(0)
    table = settings.as_tables(form)
    checkpoint.save(experts.build(form), path, name="x", config=table, origin={"family": "syncnet"})
    return str(path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation and samples as short as they can be."""
    monkeypatch.setattr(stages, "CHECKED", 1)
    monkeypatch.setattr(stages, "STEPS", 1)


def configured(*sets: str) -> LatentSyncConfig:
    tables = settings.load_preset("tiny-latentsync").tables
    return settings.resolve(LatentSyncConfig, preset=tables, sets=(*SMALL, *sets))


@pytest.fixture
def fresh() -> LatentSync:
    torch.manual_seed(0)
    return build(configured().model)


def copies(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def moved(module: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {n for n, tensor in module.state_dict().items() if not torch.equal(tensor, before[n])}


def test_scenes_hold_what_is_heard_with_them() -> None:
    form = configured().model
    batch = material.scenes(TOYS.training, np.random.default_rng(0), 2, 16, form)
    shapes = {name: tuple(tensor.shape) for name, tensor in batch.items()}
    assert shapes == {
        "target": (2, 16, 3, 64, 64),
        "reference": (2, 16, 3, 64, 64),
        "audio": (2, 16, 20, 80),
        "mel": (2, 1, 80, 52),
    }
    assert not torch.equal(batch["target"], batch["reference"])


def test_windows_lie_apart_and_have_their_whole_sound() -> None:
    take = TOYS.training[0]
    starts = speaking.starts_of(take, 16)
    assert starts.max() + 16 <= len(take)
    assert speaking.mel_at(take, int(starts.max()), 16).shape == (1, 80, 52)
    rng = np.random.default_rng(0)
    for _, (_, start, other) in zip(
        range(20), speaking.passages([take], rng, 16, 16), strict=False
    ):
        assert abs(start - other) >= 16
    short = Toys(ToySpec(size=32, seconds=0.8, people=1, takes=1, held_out=1))
    with pytest.raises(BadInput, match="no 32 frames of a face that speaks"):
        next(speaking.passages(short.training, rng, 16, 16))


def test_the_autoencoder_learns(fresh: LatentSync, tmp_path: Path) -> None:
    config = configured("train.autoencoder.steps=12", "train.autoencoder.warmup=1")
    stage = stages.autoencoder(fresh, config, TOYS, 0)
    unet = copies(fresh.unet)
    with torch.no_grad():
        before = float(stage.loss(fresh, stage.batch(0, 0), 0)["pixels"])
    train(fresh, stage, config.train.autoencoder, tmp_path)
    with torch.inference_mode():
        assert float(stage.loss(fresh, stage.batch(0, 0), 0)["pixels"]) < 0.9 * before
        assert 0 < stage.validate(fresh)["levels"] < 128
        assert stage.sample(fresh, stage.batch(0, 0)).shape == (2, 2, 3, 64, 64)
    assert not moved(fresh.unet, unet)


def test_a_stored_autoencoder_is_not_trained() -> None:
    with torch.device("meta"):
        model = build(configured('model.vae.weights="sd-vae-ft-mse"').model)
    assert stages.autoencoder(model, configured(), TOYS, 0) is None


def test_faces_first(fresh: LatentSync, tmp_path: Path) -> None:
    config = configured("train.stage1.steps=15", "train.stage1.ema=0.5", "train.stage1.warmup=1")
    stage = stages.stage1(fresh, config, TOYS, 0)
    unet, coder = copies(fresh.unet), copies(fresh.vae)
    told: list[Progress] = []
    train(fresh, stage, config.train.stage1, tmp_path, report=told.append)
    names = moved(fresh.unet, unet)
    assert any("attentions" in name for name in names)
    assert not any("motion_modules" in name for name in names)
    assert not moved(fresh.vae, coder)
    assert [*told[0].terms] == ["recon", "loss"]
    losses = [progress.terms["recon"] for progress in told if progress.terms]
    assert sum(losses[-4:]) < sum(losses[:4])
    assert list((tmp_path / "samples").glob("stage1-*.png"))


def test_then_speech_to_all_terms(fresh: LatentSync, syncnet: str, tmp_path: Path) -> None:
    config = configured(f'train.syncnet="{syncnet}"', "train.stage2.checkpointing=true")
    stage = stages.stage2(fresh, config, TOYS, 0)
    judge = copies(stage.judges.syncnet)
    before = copies(fresh.unet)
    told: list[Progress] = []
    given = config.train.stage2
    train(fresh, stage, given, tmp_path, limits=Limits(1), report=told.append)
    assert {"recon", "sync", "lpips", "trepa"} <= told[0].terms.keys()
    assert {"held_out_recon", "held_out_sync"} <= told[-1].scores.keys()
    names = moved(fresh.unet, before)
    assert any("motion_modules" in name for name in names)
    assert all("motion_modules" in name or "attentions" in name for name in names)
    assert not moved(stage.judges.syncnet, judge)


def test_resumed_equals_unbroken(syncnet: str, tmp_path: Path) -> None:
    config = configured(f'train.syncnet="{syncnet}"', "train.stage2.steps=2")

    def after(run: str, *breaks: int) -> dict[str, torch.Tensor]:
        for number, limit in enumerate((*breaks, 2)):
            torch.manual_seed(0)
            model = build(config.model)
            stage = stages.stage2(model, config, TOYS, 0)
            limits = Limits(limit)
            given = config.train.stage2
            train(model, stage, given, tmp_path / run, limits=limits, resume=bool(number))
        return model.state_dict()

    whole, broken = after("whole"), after("broken", 1)
    assert all(torch.equal(whole[name], tensor) for name, tensor in broken.items())


def test_judges_must_fit(fresh: LatentSync, syncnet: str) -> None:
    narrow = configured("model.window=8", f'train.syncnet="{syncnet}"')
    with pytest.raises(WeightsError, match="sees 16 frames, the model makes 8"):
        judges_of(fresh.vae, narrow, narrow.train.loss2)
    with pytest.raises(BadUsage, match="names none"):
        stages.stage2(fresh, configured(), TOYS, 0)
    with pytest.raises(BadUsage, match="the model makes 16"):
        stages.stage1(fresh, configured("train.stage1.frames=8"), TOYS, 0)
    with pytest.raises(BadUsage, match="nothing to train"):
        stages.stage2(fresh, configured('train.parts2=["ears."]'), TOYS, 0)


def test_stand_ins_are_always_the_same_and_tell_pictures_apart() -> None:
    a, b = torch.rand(2, 2, 3, 64, 64)
    distance = StandInLpips()
    assert torch.equal(distance(a, a), torch.zeros(2))
    assert (distance(a, b) > 0).all()
    assert torch.equal(distance(a, b), StandInLpips()(a, b))
    clips = torch.rand(1, 3, 4, 64, 64)
    look = StandInVideo()
    assert look(clips).shape == StandInVideo()(clips.flip(2)).shape
    assert not torch.allclose(look(clips), look(clips.flip(2)))


def test_begins_from_files_of_other_unets(fresh: LatentSync, tmp_path: Path) -> None:
    torch.manual_seed(1)
    other = build(configured().model)
    image = {n: t for n, t in other.unet.state_dict().items() if "motion_modules" not in n}
    image |= {"conv_in.weight": torch.ones(32, 4, 3, 3), "conv_in.bias": torch.ones(32)}
    image = {n: t.repeat(1, 2) if "attn2.to_k" in n else t for n, t in image.items()}
    path = tmp_path / "unet.pt"
    torch.save(image, path)
    before = copies(fresh.unet)
    stages.begin(fresh, str(path))
    names = moved(fresh.unet, before)
    assert "mid_block.resnets.0.conv1.weight" in names
    assert not any("attn2.to_k" in n or "motion" in n or "conv_in" in n for n in names)
    torch.save({"conv_in.weight": torch.ones(3)}, path)
    with pytest.raises(WeightsError, match="no UNet of this model's sizes; missing: "):
        stages.begin(fresh, str(path))


def test_a_whole_training_is_a_model_that_syncs(syncnet: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    sets = [part for text in (*SMALL, f'train.syncnet="{syncnet}"') for part in ("--set", text)]
    line = ["train", "latentsync", "--preset", "tiny-latentsync", "--data", DATA, "-q", *sets]
    result = CliRunner().invoke(
        lipkit, [*line, "-o", str(run), "--max-steps", "1"], standalone_mode=False
    )
    assert result.exception is None
    assert load(str(run), verb="sync", device="cpu").config.model.resolution == 64
    again = tmp_path / "again"
    init = ["--stage", "2", "--init", str(run), "-o", str(again), "--max-steps", "1"]
    assert CliRunner().invoke(lipkit, [*line, *init], standalone_mode=False).exception is None
