"""SyncNets learn from cartoons, whatever they look at; a resumed training is an unbroken one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from lipkit import config as settings
from lipkit.cli import lipkit
from lipkit.errors import BadUsage, WeightsError
from lipkit.losses.agreement import disagreement
from lipkit.models.latentsync.expert import model as experts
from lipkit.models.latentsync.expert import stages
from lipkit.models.latentsync.expert.config import ExpertConfig
from lipkit.models.parts import vae
from lipkit.training.loop import Limits, Progress, train
from lipkit.training.toys.takes import Toys, ToySpec

TOYS = Toys(ToySpec(size=64, seconds=1.2, people=4, takes=4, held_out=2))
ONE = torch.ones(1)
SMALL = ("train.pairs.batch=4", "train.checked=4", "train.pairs.log_every=1")


def configured(*sets: str, preset: str = "tiny-syncnet") -> ExpertConfig:
    return settings.resolve(
        ExpertConfig, preset=settings.load_preset(preset).tables, sets=(*SMALL, *sets)
    )


def trained(
    config: ExpertConfig, run: Path, *, resume: bool = False, most: int | None = None
) -> tuple[torch.nn.Module, list[Progress]]:
    torch.manual_seed(0)
    model = experts.build(config.model)
    stage = stages.pairs(model, config, TOYS, 0)
    told: list[Progress] = []
    given = config.train.pairs
    train(model, stage, given, run, resume=resume, limits=Limits(most), report=told.append)
    return model, told


def test_the_loss_goes_down(tmp_path: Path) -> None:
    config = configured("train.pairs.steps=15", "train.pairs.warmup=2", "train.pairs.ema=0.5")
    torch.manual_seed(0)
    fresh = experts.build(config.model)
    stage = stages.pairs(fresh, config, TOYS, 0)
    model, told = trained(config, tmp_path)
    assert 0 <= told[-1].scores["accuracy"] <= 1

    def cost(network: torch.nn.Module) -> float:
        with torch.no_grad():
            costs = [stage.loss(network, stage.batch(0, k), 0)["agreement"] for k in range(8)]
        return float(torch.stack(costs).mean())

    assert cost(model) < 0.9 * cost(fresh)


def test_resumed_equals_unbroken(tmp_path: Path) -> None:
    config = configured("train.pairs.steps=4")
    whole, _ = trained(config, tmp_path / "whole")
    trained(config, tmp_path / "broken", most=2)
    again, _ = trained(config, tmp_path / "broken", resume=True)
    expected = whole.state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in again.state_dict().items())


def test_latents_are_seen_through_the_autoencoder() -> None:
    config = configured(
        'model.space="latents"',
        "model.visual_encoder.in_channels=64",
        "model.visual_encoder.block_out_channels=[32, 32, 128]",
        "model.visual_encoder.downsample_factors=[2, 2, 2]",
        "model.visual_encoder.attn_blocks=[]",
        'model.vae.weights=""',
        "model.vae.widths=[32, 32, 32, 32]",
        "model.vae.layers=1",
    )
    model = experts.build(config.model)
    coder = vae.build(config.model.vae).eval().requires_grad_(False)
    stage = stages.PairsStage(config.model, config.train, TOYS, coder)
    batch = stage.batch(0, 0)
    assert batch["faces"].dtype == torch.uint8
    stage.loss(model, batch, 0)["agreement"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_wav2lips_kind_learns_too() -> None:
    config = configured("model.divisor=16", "train.pairs.batch=2", preset="syncnet-wav2lip")
    model = experts.build(config.model)
    stage = stages.pairs(model, config, TOYS, 0)
    batch = stage.batch(0, 0)
    assert batch["faces"].shape == (2, 5, 3, 256, 256)
    assert batch["mel"].shape == (2, 1, 80, 16)
    stage.loss(model, batch, 0)["agreement"].backward()
    with pytest.raises(BadUsage, match="sees pixels, at resolution 256"):
        configured("model.resolution=96", preset="syncnet-wav2lip")


def test_a_run_is_a_syncnet_and_others_are_not(tmp_path: Path) -> None:
    run = tmp_path / "run"
    data = "toy:size=64,seconds=1.2,takes=4,held_out=2"
    sets = [part for text in SMALL for part in ("--set", text)]
    line = ["train", "syncnet", "--preset", "tiny-syncnet", "--data", data, "-o", str(run), "-q"]
    arguments = [*line, *sets, "--max-steps", "1"]
    result = CliRunner().invoke(lipkit, arguments, standalone_mode=False)
    assert result.exception is None
    network, form = experts.load(str(run))
    assert form.resolution == 64
    assert form.frames == 16
    assert not any(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(WeightsError):
        experts.load(str(tmp_path / "nothing"))


def test_frames_are_the_models() -> None:
    config = configured("train.pairs.frames=5")
    with pytest.raises(BadUsage, match="the model sees 16"):
        stages.pairs(experts.build(config.model), config, TOYS, 0)


def test_every_pair_of_a_take_counts(tmp_path: Path) -> None:
    config = configured("train.windows=2", "train.pairs.batch=6")
    model = experts.build(config.model)
    stage = stages.pairs(model, config, TOYS, 0)
    batch = stage.batch(0, 0)
    assert batch.keys() == {"faces", "mel"}
    assert len(batch["faces"]) == len(batch["mel"]) == 6
    torch.manual_seed(0)
    lips, sound = torch.rand(2, 6, 8)
    own = torch.stack([disagreement(lips[k : k + 1], sound[k : k + 1], ONE) for k in range(6)])
    swapped = sound[[1, 0, 3, 2, 5, 4]]
    other = disagreement(lips, swapped, torch.zeros(6))
    torch.testing.assert_close(stages.crossed(lips, sound, 2), (own.mean() + other.mean()) / 2)
    stage.loss(model, batch, 0)["agreement"].backward()
    with pytest.raises(BadUsage, match=r"train.windows = 4"):
        configured("train.windows=4", "train.pairs.batch=6")
