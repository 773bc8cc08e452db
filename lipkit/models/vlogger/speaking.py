"""The stage of VLOGGER's training that moves faces to speech (section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipkit.faces.mesh import POINTS, aperture
from lipkit.models.parts.sampling import noised
from lipkit.models.vlogger.config import SamplingConfig, VloggerConfig
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.material import (
    heard_of,
    hearing,
    placed,
    residual,
    stacked,
    starts_of,
    tracked,
)
from lipkit.models.vlogger.model import Vlogger
from lipkit.models.vlogger.talking import Talker, scales
from lipkit.training.data import Data, Footage, FootageData, footage
from lipkit.training.toys.dubbing import agreement

Array = NDArray[Any]
Batch = Mapping[str, Any]

THIN = 4  # of so many frames one teaches the parametric face
CHECKED = 12  # held-out takes
STEPS = 10
FAINTEST = 0.1  # least weight of a way to move, over the strongest


def motion(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> MotionStage:
    """Speech to motion; a model without a parametric face first learns one."""
    found = footage(data, "motion")
    if not bool(model.face.spread.sum()):
        learn_face(model, found, config.train.faces)
    return MotionStage(model, config, found)


def learn_face(model: Vlogger, data: FootageData, count: int) -> None:
    """Set the parametric face, and how far heads turn, by the first takes."""
    takes = [data.training[k] for k in range(min(count, len(data.training)))]
    heads = [tracked(take) for take in takes if take.valid.any()]
    model.face.learn([head.meshes[::THIN] for head in heads])
    turns = [residual(head.matrices, head.matrices[0]) for head in heads]
    turns = np.concatenate([turn - turn.mean(0) for turn in turns])
    model.head_spread.copy_(torch.from_numpy(turns.std(0).clip(1e-3)))


class MotionStage:
    """Trains the transformer to take noise off motion, given the sound."""

    name = "motion"

    def __init__(self, model: Vlogger, config: VloggerConfig, data: FootageData) -> None:
        self.model, self.form, self.config, self.data = model, config.model, config.train, data
        self.stage = config.train.motion
        self.rows = rows_of(config.model)
        self.known: dict[str, tuple[Array, Array]] = {}

    def parameters(self, model: Vlogger) -> list[nn.Parameter]:
        """The transformer's."""
        return list(model.mover.parameters())

    def course(self, take: Footage) -> tuple[Array, Array]:
        """Codes ``(f, e)`` and matrices ``(f, 4, 4)`` of all frames that show a face."""
        if take.name not in self.known:
            heads = tracked(take)
            codes = self.model.face.expressions_of(heads.meshes)
            self.known[take.name] = codes, heads.matrices
        return self.known[take.name]

    def example(self, take: Footage, start: int, count: int, row: int) -> dict[str, Tensor]:
        """Motion ``(f, c)`` against the head in frame ``row``, and what is heard ``(f, a)``."""
        rank = np.cumsum(take.valid) - 1  # of frames among those with a face
        seen = rank[start : start + count]
        codes, heads = self.course(take)
        turn = residual(heads[seen], heads[rank[row]])
        rest = np.zeros((count, len(self.rows) - self.rows.head.stop))  # whom nobody tracks
        rows = torch.from_numpy(np.concatenate([codes[seen], turn, rest], 1)).float()
        voice = heard_of(take, self.form.motion.encoder)
        heard = hearing(voice, self.form.motion, self.form.fps, start, count)
        return {"motion": rows / self.scale, "audio": torch.from_numpy(heard)}

    @cached_property
    def scale(self) -> Tensor:
        """The network's units ``(c,)``."""
        return scales(self.model).cpu()

    def batch(self, seed: int, index: int) -> Batch:
        """Windows of takes, each with a past of random length that is given clean."""
        rng = np.random.default_rng((seed, 8, index))
        items = []
        for _ in range(self.stage.batch):
            take, start = placed(self.data.training, rng, self.stage.frames, self.form.fps)
            row = int(rng.choice(np.flatnonzero(take.valid)))
            item = self.example(take, start, self.stage.frames, row)
            longest = min(self.form.motion.context, self.stage.frames // 2)
            past = int(rng.integers(longest + 1)) if rng.random() < 0.5 else 0
            items.append({**item, "past": torch.arange(self.stage.frames) < past})
        return stacked(items)

    def loss(self, model: Vlogger, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Errors of clean motion, and how fast what is predicted changes (section 3.1)."""
        motion, past = batch["motion"], batch["past"]
        size = len(motion)
        times = torch.randint(self.form.steps, (size,)).to(motion.device)
        x = noised(motion, torch.randn(motion.shape).to(motion), model.alpha_bar, times)
        x = torch.where(past[..., None], motion, x)
        level = torch.where(past, 0, times[:, None])
        deaf = (torch.rand(size) < self.config.deaf).to(motion.device)
        made = model.mover(x, level, batch["audio"], deaf).float()
        error = (made - motion).square() * (~past)[..., None] * self.weight(model)
        change = made.diff(dim=1).square()
        rows, config = self.rows, self.config
        return {
            "motion": error.mean(),
            "smooth_expression": config.smooth_expression
            * (change[..., rows.expression] * self.weight(model)[rows.expression]).mean(),
            "smooth_head": config.smooth_head * change[..., rows.head.start :].mean(),
        }

    def weight(self, model: Vlogger) -> Tensor:
        """How much each channel counts ``(c,)``: ways of moving by how far they move the face."""
        made = torch.ones_like(self.scale)
        spread = model.face.spread.cpu()
        made[self.rows.expression] = (spread / spread.max()).clamp_min(FAINTEST)
        return made.to(model.alpha_bar.device)

    def validate(self, model: Vlogger) -> Mapping[str, float]:
        """Correlation of the mouths of generated and of tracked faces never seen."""
        talker = Talker(model, SamplingConfig(motion_steps=STEPS, motion_guidance=0.0))
        pairs = []
        for k in range(min(CHECKED, len(self.data.held_out))):
            take = self.data.held_out[k]
            starts = starts_of(take, self.form.motion.window, self.form.fps)
            if not len(starts):
                continue
            example = self.example(take, int(starts[0]), self.form.motion.window, int(starts[0]))
            generator = torch.Generator().manual_seed(k)
            made = next(talker.move([example["audio"].numpy()], generator))
            truth = (example["motion"] * self.scale).numpy()
            pairs.append((self.lips(made), self.lips(truth)))
        return {"mouth_r": agreement(*zip(*pairs, strict=True))} if pairs else {}

    def lips(self, rows: Array) -> Array:
        """The gap between the lips ``(f,)`` of an average face that moves so."""
        face = self.model.face
        neutral = face.mean.double().cpu().numpy().reshape(POINTS, 3)
        return aperture(face.mesh(neutral, rows[:, self.rows.expression]))
