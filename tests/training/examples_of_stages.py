"""Small models and stages to train in tests, also from scripts that tests start."""

import numpy as np
import torch
from torch import nn

from lipkit.training.config import StageConfig
from lipkit.training.stage import Group

torch.set_num_threads(1)  # threads that wait for each other take longer than these sums

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


class Small(nn.Module):
    """A trained part with dropout and statistics, and a frozen one."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.trained = nn.Sequential(
            nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1)
        )
        self.frozen = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))


class Fit:
    """Fits a linear function; dropout makes every step depend on torch's random numbers."""

    name = "fit"

    def parameters(self, model):
        return list(model.trained.parameters())

    def batch(self, seed, index):
        x = torch.from_numpy(np.random.default_rng((seed, index)).standard_normal((8, 4))).float()
        return {"x": x + 0.01 * torch.randn(8, 4), "y": x.sum(1, keepdim=True), "index": index}

    def loss(self, model, batch, step):
        model.frozen(batch["x"])
        return {"error": (model.trained(batch["x"]) - batch["y"]).square().mean()}

    def validate(self, model):
        torch.manual_seed(1)
        return {"error": float(self.loss(model, self.batch(99, 0), 0)["error"])}


class Grouped(Fit):
    """Trains its last layer ten times slower and without decay."""

    def parameters(self, model):
        first, last = model.trained[:-1], model.trained[-1]
        return [*first.parameters(), Group(list(last.parameters()), rate=0.1, weight_decay=0.0)]


class Critic:
    """Learns to tell what the model says from what is true."""

    name = "critic"
    config = StageConfig(learning_rate=0.02, beta1=0.5, schedule="constant", warmup=0)

    def __init__(self):
        torch.manual_seed(1)
        self.module = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))

    def loss(self, model, batch, step):
        if step < 2:
            return {}
        with torch.no_grad():
            said = model.trained(batch["x"])
        real, made = self.module(batch["y"]), self.module(said)
        return {"real": (1 - real).relu().mean(), "made": (1 + made).relu().mean()}


class Fooling(Fit):
    """Fits, and fools a critic."""

    def __init__(self):
        self.critic = Critic()
        self.rivals = [self.critic]
        self.seen = []

    def loss(self, model, batch, step):
        said = model.trained(batch["x"])
        if torch.is_grad_enabled():
            self.seen.append([p.requires_grad for p in self.critic.module.parameters()])
        return {
            "error": (said - batch["y"]).square().mean(),
            "fooled": -0.1 * self.critic.module(said).mean(),
        }

    def sample(self, model, batch):
        return torch.linspace(-1, 1, 5 * 3 * 4 * 6).reshape(5, 3, 4, 6)
