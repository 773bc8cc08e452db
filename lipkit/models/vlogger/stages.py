"""The stages of VLOGGER's training that draw: base, controls, time, and one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.errors import BadUsage
from lipkit.models.parts import lora
from lipkit.models.parts.sampling import noised, target_of
from lipkit.models.vlogger.config import SamplingConfig, VloggerConfig
from lipkit.models.vlogger.material import clips_of, scene, stacked
from lipkit.models.vlogger.model import Vlogger
from lipkit.models.vlogger.painting import Painting
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, FootageData, footage

Batch = Mapping[str, Any]

CHECKED = 8  # held-out scenes
SHOWN = 4
STEPS = 10  # of a sample


def base(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> DrawingStage | None:
    """The base, which draws anything; None where it is learned together with its controls."""
    if not config.train.frozen:
        return None
    return DrawingStage("base", config, footage(data, "base"), model.painter.base)


def frames(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> DrawingStage:
    """Single frames by controls: the first of the paper's two steps."""
    painter = model.painter
    if config.train.frozen:
        painter.control.begin(painter.base.encoder)
        return DrawingStage("frames", config, footage(data, "frames"), painter.control)
    return DrawingStage("frames", config, footage(data, "frames"), painter)


def temporal(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> DrawingStage:
    """Clips: the second step, which adds layers over time."""
    painter = model.painter
    parts = [*painter.control.parameters(), *painter.base.encoder.over_time]
    return DrawingStage("temporal", config, footage(data, "temporal"), parts)


def personalize(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> DrawingStage:
    """One person, by matrices of low rank beside the painter's, or by all its weights."""
    found, painter = footage(data, "personalize"), model.painter
    if not bool(painter.control.middle.weight.abs().sum()):
        raise BadUsage("personalize goes on from a trained model", hint="give --from PRESET|RUN")
    rank = config.train.rank
    parts = lora.attach(painter, rank) if rank else painter
    return DrawingStage("personalize", config, found, parts)


class DrawingStage:
    """Trains parts of the painter to take noise off frames, mostly by their controls."""

    def __init__(
        self,
        name: str,
        config: VloggerConfig,
        data: FootageData,
        parts: nn.Module | list[nn.Parameter],
    ) -> None:
        self.name, self.form, self.config, self.data = name, config.model, config.train, data
        self.parts = list(parts.parameters()) if isinstance(parts, nn.Module) else parts
        self.stage: StageConfig = getattr(config.train, name)
        self.kept: dict[int, dict[str, Tensor]] = {}

    def parameters(self, model: Vlogger) -> list[nn.Parameter]:
        """Those of this stage."""
        return self.parts

    def batch(self, seed: int, index: int) -> Batch:
        """Clips of so many frames, and what tells of them."""
        rng, size, most = np.random.default_rng((seed, 7, index)), self.stage.batch, 1 << 60
        if not self.config.scenes:
            return stacked([self.scene(seed, int(rng.integers(most))) for _ in range(size)])
        chosen = rng.integers(self.config.scenes, size=size).tolist()
        for number in chosen:
            if number not in self.kept:
                self.kept[number] = self.scene(seed, number)
        return stacked([self.kept[number] for number in chosen])

    def scene(self, seed: int, number: int) -> dict[str, Tensor]:
        """Scene number ``number`` of those to learn from."""
        rng = np.random.default_rng((seed, 11, number))
        count, apart = self.stage.frames, self.config.apart
        return scene(self.data.training, rng, count, apart, self.form)

    def loss(self, model: Vlogger, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The squared error of what is predicted."""
        size = len(batch["frames"])
        blind = torch.rand(size) < self.config.blind
        times = torch.randint(self.form.steps, (size,))
        noise = torch.randn(clips_of(batch["frames"]).shape)
        return {"noise": self.error(model, batch, times, noise, blind)}

    def error(
        self, model: Vlogger, batch: Batch, times: Tensor, noise: Tensor, blind: Tensor
    ) -> Tensor:
        """The mean squared error at ``times (b,)`` with ``noise (b, 3, f, h, w)``."""
        clean = clips_of(batch["frames"])
        times, noise, blind = (given.to(clean.device) for given in (times, noise, blind))
        x = noised(clean, noise, model.alpha_bar, times)
        told = None
        if self.name != "base":
            told = batch["told"].to(clean).transpose(1, 2)
        made = model.painter(x, times, told, blind)
        share = model.alpha_bar[times][:, None, None, None, None]
        wanted = target_of(self.form.prediction, clean, noise, share)
        return (made.float() - wanted).square().mean()

    def validate(self, model: Vlogger) -> Mapping[str, float]:
        """The error on people never seen, always with the same noise."""
        rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
        count, apart = self.stage.frames, self.config.apart
        device = model.alpha_bar.device
        errors = []
        for k in range(CHECKED):
            batch = stacked([scene(self.data.held_out, rng, count, apart, self.form)])
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            noise = torch.randn(clips_of(batch["frames"]).shape, generator=generator)
            times = torch.tensor([(2 * k + 1) * self.form.steps // (2 * CHECKED)])
            seen = torch.zeros(1, dtype=torch.bool)
            errors.append(float(self.error(model, batch, times, noise, seen)))
        return {"held_out_noise": float(np.mean(errors))}

    def sample(self, model: Vlogger, batch: Batch) -> Tensor:
        """Filmed frames above drawn ones ``(2, n, 3, r, r)``."""
        clips = clips_of(batch["frames"][:SHOWN])[:, :, :1]
        told = batch["told"][:SHOWN, :1].to(clips).transpose(1, 2)
        sampling = SamplingConfig(steps=STEPS, guidance=0.0, noise=0.0)
        painting = Painting(model.painter, self.form, model.alpha_bar, sampling)
        drawn = painting.clip(told, torch.Generator().manual_seed(0))
        return torch.stack([clips[:, :, 0], drawn[:, :, 0]])

    def finish(self, model: Vlogger) -> None:
        """Make what was learned beside weights a part of them."""
        lora.merge(model.painter)
