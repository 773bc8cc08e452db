"""The loop on a toy: it learns, and an interrupted run continues as if it had not stopped."""

import numpy as np
import pytest
import torch
from torch import nn

from lipkit.errors import LipkitError, WeightsError
from lipkit.training.config import StageConfig
from lipkit.training.loop import Limits, train

CONFIG = StageConfig(
    steps=12,
    batch=8,
    accumulate=2,
    learning_rate=0.05,
    warmup=3,
    log_every=1,
    save_every=5,
    ema=0.9,
)


class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.trained = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.frozen = nn.Linear(4, 1)


class Fit:
    """Fits a linear function; dropout makes every step depend on torch's random numbers."""

    name = "fit"

    def parameters(self, model):
        return list(model.trained.parameters())

    def batch(self, seed, index):
        x = torch.from_numpy(np.random.default_rng((seed, index)).standard_normal((8, 4))).float()
        return {"x": x, "y": x.sum(1, keepdim=True)}

    def loss(self, model, batch, step):
        return {"error": (model.trained(batch["x"]) - batch["y"]).square().mean()}

    def validate(self, model):
        return {"error": float(self.loss(model, self.batch(99, 0), 0)["error"])}


class Broken(Fit):
    def loss(self, model, batch, step):
        return {"error": model.trained(batch["x"]).mean() * float("nan")}


def run(folder, *, steps=None, resume=False, stage=None, config=CONFIG, seed=0):
    model, series = Toy(), {}

    def report(progress):
        if progress.terms:
            series[progress.step] = progress.terms["loss"]

    folder.mkdir(exist_ok=True)
    done = train(
        model,
        stage or Fit(),
        config,
        folder,
        seed=seed,
        limits=Limits(steps),
        resume=resume,
        report=report,
    )
    return model, series, done


def test_resumed_run_equals_an_unbroken_one(tmp_path):
    whole, unbroken, done = run(tmp_path / "whole")
    assert done == 12
    _, before, done = run(tmp_path / "parts", steps=7)
    assert done == 7
    parts, after, done = run(tmp_path / "parts", resume=True)
    assert done == 12
    assert before | after == unbroken
    torch.testing.assert_close(parts.state_dict(), whole.state_dict(), atol=0, rtol=0)


def test_it_learns_and_leaves_the_rest_alone(tmp_path):
    frozen = Toy().frozen.weight.clone()
    model, series, _ = run(tmp_path / "run", config=StageConfig(**{**vars(CONFIG), "steps": 150}))
    assert series[150] < series[1] / 3
    assert torch.equal(model.frozen.weight, frozen)


def test_time_limit_stops_between_steps(tmp_path):
    _, _, done = run(tmp_path / "run", config=CONFIG)
    assert done == 12
    limited = train(Toy(), Fit(), CONFIG, tmp_path, limits=Limits(seconds=0.0))
    assert limited == 0


def test_other_seed_is_refused(tmp_path):
    run(tmp_path / "run", steps=5)
    with pytest.raises(WeightsError, match="made with seed 0, not 1"):
        run(tmp_path / "run", resume=True, seed=1)


def test_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(LipkitError, match="fit: the loss is nan at step 0"):
        run(tmp_path / "run", stage=Broken())


def test_no_partial_files_are_left(tmp_path):
    run(tmp_path / "run", steps=5)
    assert not list((tmp_path / "run").glob("*.partial"))
    assert (tmp_path / "run" / "fit.state.safetensors").is_file()
