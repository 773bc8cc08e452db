"""The stages learn from cartoons and train what they name; excerpts are as the paper draws them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lipkit import config as settings
from lipkit.errors import BadUsage, WeightsError
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.musetalk import material, objective, stages
from lipkit.models.musetalk.config import MuseTalkConfig
from lipkit.models.musetalk.convert import official
from lipkit.models.musetalk.model import MuseTalk, build
from lipkit.models.parts import checkpoint
from lipkit.training.loop import Limits, Progress, train
from lipkit.training.toys.takes import Toys, ToySpec

TOYS = Toys(ToySpec(size=64, seconds=2.0, people=3, takes=3, held_out=2))
SMALL = (
    "train.autoencoder.batch=4",
    "train.stage1.batch=4",
    "train.stage2.batch=1",
    "train.stage2.frames=2",
    "train.judged_from=0",
    *(f"train.{name}.log_every=1" for name in ("autoencoder", "stage1", "stage2")),
    *(f"train.{name}.warmup=1" for name in ("autoencoder", "stage1", "stage2")),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "CHECKED", 2)


def configured(*sets: str) -> MuseTalkConfig:
    tables = settings.load_preset("tiny-musetalk").tables
    return settings.resolve(MuseTalkConfig, preset=tables, sets=(*SMALL, *sets))


@pytest.fixture
def fresh() -> MuseTalk:
    torch.manual_seed(0)
    return build(configured().model)


def copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def moved(module: nn.Module, before: dict[str, Tensor]) -> set[str]:
    return {n for n, tensor in module.state_dict().items() if not torch.equal(tensor, before[n])}


def test_scenes_hold_what_is_heard_with_them() -> None:
    form = configured().model
    batch = material.scenes(TOYS.training, np.random.default_rng(0), 2, 3, form)
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "target": (2, 3, 3, 64, 64),
        "reference": (2, 3, 3, 64, 64),
        "mouth": (2, 3, 4),
        "audio": (2, 3, 20, 80),
        "mel": (2, 1, 80, 10),
    }
    middle = (batch["mouth"][..., :2] + batch["mouth"][..., 2:]) / 2
    assert (middle[..., 1] > 32).all()  # in the lower half, which is drawn
    assert (middle > 0).all()
    assert (middle < 64).all()


def test_references_are_far_have_the_same_head_and_another_mouth() -> None:
    take = TOYS.training[0]
    jaw, lips = material.contours(take)
    rng = np.random.default_rng(0)
    for row in (0, 20, 45):
        chosen = [material.reference_of(take, row, rng) for _ in range(20)]
        assert all(abs(other - row) >= material.APART for other in chosen)
        away = [k for k in range(len(take)) if abs(k - row) >= material.APART]
        gaps = [np.square(part - part[row]).sum((1, 2)) for part in (jaw, lips)]
        assert all(gaps[0][k] <= np.quantile(gaps[0][away], 0.511) for k in chosen)
        assert all(gaps[1][k] >= np.quantile(gaps[1][away], 0.489) for k in chosen)


def test_a_take_too_short_refers_to_itself() -> None:
    short = Toys(ToySpec(size=32, seconds=0.16, people=1, takes=1, held_out=1))
    take = short.training[0]
    assert len(take) < material.APART
    assert material.reference_of(take, 1, np.random.default_rng(0)) == 1


def test_mouths_are_cut_where_they_are() -> None:
    down, across = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    faces = torch.stack([across, down, across])[None]
    cut = objective.mouths(faces, torch.tensor([[16.0, 24.0, 48.0, 56.0]]))
    assert cut.shape == (1, 3, 32, 32)
    torch.testing.assert_close(cut.mean((2, 3))[0, :2], torch.tensor([32.0, 40.0]))
    torch.testing.assert_close(cut[0, 0, 0, :2], torch.tensor([16.5, 17.5]))


def test_the_autoencoder_learns(fresh: MuseTalk, tmp_path: Path) -> None:
    config = configured("train.autoencoder.steps=12", "train.autoencoder.ema=0.5")
    stage = stages.autoencoder(fresh, config, TOYS, 0)
    unet = copies(fresh.unet)
    told: list[Progress] = []
    train(fresh, stage, config.train.autoencoder, tmp_path, report=told.append)
    losses = [progress.terms["pixels"] for progress in told if progress.terms]
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])
    assert not moved(fresh.unet, unet)


def test_a_stored_autoencoder_is_not_trained() -> None:
    with torch.device("meta"):
        model = build(configured('model.vae.weights="sd-vae-ft-mse"').model)
    assert stages.autoencoder(model, configured(), TOYS, 0) is None


def test_single_frames_first(fresh: MuseTalk, tmp_path: Path) -> None:
    rate = ("train.stage1.learning_rate=2e-3", "train.stage1.warmup=1")
    config = configured("train.stage1.steps=12", "train.stage1.ema=0.5", *rate)
    stage = stages.stage1(fresh, config, TOYS, 0)
    coder, batch = copies(fresh.vae), stage.batch(0, 0)

    def error() -> float:
        torch.manual_seed(1)
        with torch.no_grad():
            return float(stage.loss(fresh, batch, 0)["pixels"])

    before, told = error(), list[Progress]()
    train(fresh, stage, config.train.stage1, tmp_path, report=told.append)
    assert [*told[0].terms] == ["pixels", "looks", "loss"]
    assert error() < 0.97 * before
    assert told[-1].scores["levels"] != told[-1].scores["levels_misheard"]
    assert not moved(fresh.vae, coder)
    assert list((tmp_path / "samples").glob("stage1-*.png"))


def test_then_against_judges(fresh: MuseTalk, tmp_path: Path) -> None:
    config = configured()
    stage = stages.stage2(fresh, config, TOYS, 0)
    judges = [copies(rival.module) for rival in stage.rivals]
    unet = copies(fresh.unet)
    told: list[Progress] = []
    train(fresh, stage, config.train.stage2, tmp_path, limits=Limits(2), report=told.append)
    expected = {"judge", "judge_matching", "mouth", "mouth_matching", "mistakes.judge"}
    assert expected | {"mistakes.mouth"} <= told[0].terms.keys()
    assert moved(fresh.unet, unet)
    for rival, before in zip(stage.rivals, judges, strict=True):
        assert moved(rival.module, before)


def test_nobody_judges_before_it_is_time(fresh: MuseTalk) -> None:
    stage = stages.stage2(fresh, configured("train.judged_from=5"), TOYS, 0)
    batch = stage.batch(0, 0)
    assert stage.loss(fresh, batch, 4).keys() == {"pixels", "looks"}
    assert [rival.loss(fresh, batch, 4) for rival in stage.rivals] == [{}, {}]
    assert stage.loss(fresh, batch, 5).keys() > {"judge", "mouth"}


def test_a_syncnet_judges_sixteen_frames(tmp_path: Path, fresh: MuseTalk) -> None:
    with pytest.raises(BadUsage, match="sees 16 frames, not 2"):
        stages.stage2(fresh, configured("train.loss2.sync=0.05"), TOYS, 0)
    tables = settings.load_preset("tiny-syncnet").tables
    form = settings.resolve(ExpertConfig, preset=tables).model
    path = tmp_path / "weights.safetensors"
    table = settings.as_tables(form)
    checkpoint.save(experts.build(form), path, name="x", config=table, origin={"family": "syncnet"})
    sets = ("train.loss2.sync=0.05", f'train.syncnet="{path}"', "train.stage2.frames=16")
    stage = stages.stage2(fresh, configured(*sets, "train.judged_from=9"), TOYS, 0)
    found = stage.loss(fresh, stage.batch(0, 0), 0)
    found["sync"].backward()
    assert float(found["sync"].detach()) > 0
    assert any(p.grad is not None and p.grad.any() for p in fresh.unet.parameters())


def test_training_begins_from_an_official_file(fresh: MuseTalk, tmp_path: Path) -> None:
    other = build(configured().model)
    path = tmp_path / "unet.pth"
    torch.save(official(other.state_dict()), path)
    stages.begin(fresh, str(path))
    assert not moved(fresh.unet, copies(other.unet))
    torch.save({"time_embedding.linear_1.weight": torch.zeros(3)}, path)
    with pytest.raises(WeightsError):
        stages.begin(fresh, str(path))
