"""Two processes with a batch each learn what one does with twice the batch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lipkit.training.config import StageConfig
from lipkit.training.loop import train

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_processes import learn
learn(Path(sys.argv[2]), batch=4)
"""


class Critic:
    name = "critic"
    config = StageConfig(learning_rate=0.01, schedule="constant", warmup=0)

    def __init__(self):
        torch.manual_seed(1)
        self.module = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))

    def loss(self, model, batch, step):
        with torch.no_grad():
            said = model(batch["x"])
        real, made = self.module(batch["y"]), self.module(said)
        return {"told": (1 - real).relu().mean() + (1 + made).relu().mean()}


class Line:
    """Batches are cut from one endless row of samples, whatever their size."""

    name = "line"

    def __init__(self, size):
        self.size = size
        self.critic = Critic()
        self.rivals = [self.critic]

    def parameters(self, model):
        return model.parameters()

    def batch(self, seed, index):
        numbers = range(index * self.size, (index + 1) * self.size)
        x = np.stack([np.random.default_rng((seed, k)).standard_normal(4) for k in numbers])
        x = torch.from_numpy(x).float()
        return {"x": x, "y": x.sum(1, keepdim=True).tanh()}

    def loss(self, model, batch, step):
        said = model(batch["x"])
        fooled = -0.1 * self.critic.module(said).mean()
        return {"error": (said - batch["y"]).square().mean(), "fooled": fooled}


def learn(folder, batch):
    """Train in ``folder`` and leave the losses and the weights there."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    config = StageConfig(
        steps=8, batch=batch, accumulate=2, learning_rate=0.02, warmup=2, log_every=1, save_every=4
    )
    series = []
    train(model, Line(batch), config, folder, report=lambda p: series.append(dict(p.terms)))
    if series:
        (folder / "series.json").write_text(
            json.dumps([row["loss"] + row["loss.critic"] for row in series if row])
        )


def weights(folder):
    from safetensors.torch import load_file

    tensors = load_file(folder / "line.state.safetensors")
    return {name: tensor for name, tensor in tensors.items() if "weight" in name}


@pytest.mark.slow
def test_two_processes_equal_one_with_twice_the_batch(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    learn(one, batch=8)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launcher += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    launcher += ["--dynamo_backend", "no", "--num_cpu_threads_per_process", "1"]
    here = str(Path(__file__).parent)
    found = subprocess.run(
        [*launcher, str(script), here, str(two)], capture_output=True, text=True, timeout=300
    )
    assert found.returncode == 0, found.stderr[-2000:]
    series = [json.loads((folder / "series.json").read_text()) for folder in (one, two)]
    assert len(series[0]) == 8
    assert series[1] == pytest.approx(series[0], rel=1e-4)
    for name, tensor in weights(one).items():
        torch.testing.assert_close(weights(two)[name], tensor, rtol=1e-3, atol=1e-5)
