"""The loop on a small model: it learns, and an interrupted run goes on as if it never stopped."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from lipkit.errors import LipkitError, WeightsError
from lipkit.training import checkpoints
from lipkit.training.loop import Limits, train

sys.path.insert(0, str(Path(__file__).parent))
from examples_of_stages import CONFIG, Fit, Fooling, Grouped, Small

SLOW = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from examples_of_stages import CONFIG, Fooling, Small
from lipkit.training.loop import train
train(Small(), Fooling(), CONFIG, Path(sys.argv[2]), tick=lambda step: time.sleep(0.2))
"""


class Broken(Fit):
    def loss(self, model, batch, step):
        return {"error": model.trained(batch["x"]).mean() * float("nan")}


def run(folder, *, steps=None, resume=False, stage=None, config=CONFIG, seed=0):
    model, series = Small(), {}

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


def equal(a, b):
    torch.testing.assert_close(a.state_dict(), b.state_dict(), atol=0, rtol=0)


@pytest.mark.parametrize("stage", [Fit, Grouped, Fooling])
def test_resumed_run_equals_an_unbroken_one(stage, tmp_path):
    whole, unbroken, done = run(tmp_path / "whole", stage=stage())
    assert done == 12
    _, before, done = run(tmp_path / "parts", steps=7, stage=stage())
    assert done == 7
    last = stage()
    parts, after, done = run(tmp_path / "parts", resume=True, stage=last)
    assert done == 12
    assert before | after == unbroken
    equal(parts, whole)
    ends = [(tmp_path / name / "fit.state.safetensors").read_bytes() for name in ("whole", "parts")]
    assert ends[0] == ends[1]


def test_killed_run_goes_on_where_it_saved_last(tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    script = [sys.executable, "-c", SLOW, str(Path(__file__).parent), str(folder)]
    child = subprocess.Popen(script, stderr=subprocess.PIPE)
    state = checkpoints.path_of(folder, "fit")
    until = time.monotonic() + 120
    while not state.is_file() and time.monotonic() < until and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    complaint = child.communicate()[1]
    assert child.returncode == -signal.SIGKILL, complaint
    assert checkpoints._read_header(state)["step"] < 12
    resumed, _, done = run(folder, resume=True, stage=Fooling())
    whole, _, _ = run(tmp_path / "whole", stage=Fooling())
    assert done == 12
    equal(resumed, whole)


def test_batches_made_by_other_processes_are_the_same(tmp_path):
    alone, series, _ = run(tmp_path / "alone")
    config = dataclasses.replace(CONFIG, workers=2)
    together, again, _ = run(tmp_path / "together", config=config)
    assert series == again
    equal(alone, together)


def test_it_learns_and_leaves_the_rest_alone(tmp_path):
    before = Small().frozen.state_dict()
    config = dataclasses.replace(CONFIG, steps=150, save_every=1000)
    model, series, _ = run(tmp_path / "run", config=config)
    assert series[150] < series[1] / 3
    torch.testing.assert_close(model.frozen.state_dict(), before, atol=0, rtol=0)


def test_groups_learn_at_their_own_rate(tmp_path):
    config = dataclasses.replace(CONFIG, steps=1, ema=0.0, warmup=0)
    start, (model, _, _) = Small(), run(tmp_path / "run", stage=Grouped(), config=config)
    moved = [
        float((a - b).detach().abs().max())
        for a, b in zip(model.trained.parameters(), start.trained.parameters(), strict=True)
    ]
    assert moved[0] == pytest.approx(0.05, rel=0.1)  # AdamW's first step is the rate
    assert moved[-1] == pytest.approx(0.005, rel=0.1)


def test_rivals_learn_in_their_turn_and_are_frozen_in_the_models(tmp_path):
    stage, terms = Fooling(), {}
    start = [p.detach().clone() for p in stage.critic.module.parameters()]
    train(Small(), stage, CONFIG, tmp_path, report=lambda p: terms.update(p.terms))
    assert set(terms) == {"error", "fooled", "loss", "real.critic", "made.critic", "loss.critic"}
    assert not any(any(row) for row in stage.seen)
    moved = [
        bool((a != b).any()) for a, b in zip(stage.critic.module.parameters(), start, strict=True)
    ]
    assert any(moved)


def test_samples_are_drawn_and_logged(tmp_path):
    run(tmp_path / "run", stage=Fooling(), steps=6)
    sheets = sorted(path.name for path in (tmp_path / "run" / "samples").iterdir())
    assert sheets == ["fit-00000005.png", "fit-00000006.png"]
    with Image.open(tmp_path / "run" / "samples" / sheets[0]) as sheet:
        assert sheet.size == (3 * 6 + 2 * 2, 2 * 4 + 2)


def test_older_states_are_kept_and_gone_back_to(tmp_path):
    folder = tmp_path / "run"
    whole, _, _ = run(folder, config=dataclasses.replace(CONFIG, save_every=3, keep=3))
    names = sorted(path.name for path in folder.glob("*.state.safetensors"))
    assert names == [
        "fit.00000006.state.safetensors",
        "fit.00000009.state.safetensors",
        "fit.state.safetensors",
    ]
    checkpoints.path_of(folder, "fit").unlink()
    again, _, done = run(folder, resume=True)
    assert done == 12
    equal(again, whole)


def test_time_limit_stops_between_steps(tmp_path):
    assert train(Small(), Fit(), CONFIG, tmp_path, limits=Limits(seconds=0.0)) == 0


def test_other_seed_is_refused(tmp_path):
    run(tmp_path / "run", steps=5)
    with pytest.raises(WeightsError, match="made with seed 0, not 1"):
        run(tmp_path / "run", resume=True, seed=1)


def test_damaged_state_is_refused(tmp_path):
    run(tmp_path / "run", steps=5)
    path = checkpoints.path_of(tmp_path / "run", "fit")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(WeightsError, match="no training state"):
        run(tmp_path / "run", resume=True)


def test_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(LipkitError, match="fit: the loss is nan at step 0"):
        run(tmp_path / "run", stage=Broken())


def test_no_partial_files_are_left(tmp_path):
    run(tmp_path / "run", steps=5)
    assert not list((tmp_path / "run").rglob("*.partial"))


class Deep(nn.Module):
    """A part that can compute its activations twice, as those of diffusers and transformers can."""

    def __init__(self):
        super().__init__()
        self.small = Small()
        self.trained = self.small.trained
        self.checkpointed = False

    def enable_gradient_checkpointing(self):
        self.checkpointed = True


def test_gradient_checkpointing_is_switched_on_or_refused(tmp_path):
    config = dataclasses.replace(CONFIG, checkpointing=True, steps=1)

    class OfDeep(Fit):
        def loss(self, model, batch, step):
            return super().loss(model.small, batch, step)

        def validate(self, model):
            return {}

    deep = Deep()
    train(deep, OfDeep(), config, tmp_path)
    assert deep.checkpointed
    with pytest.raises(LipkitError, match="Small has no gradient checkpointing"):
        train(Small(), Fit(), config, tmp_path)
