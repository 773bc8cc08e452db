"""The stages of training: an autoencoder of one's own, single frames, then stretches and judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit import registry
from lipkit.errors import BadUsage, WeightsError
from lipkit.losses.adversarial import hinge
from lipkit.models.musetalk.config import (
    JudgeConfig,
    ModelConfig,
    MuseTalkConfig,
    StageConfig,
    TrainConfig,
    Weighing,
)
from lipkit.models.musetalk.convert import RULES
from lipkit.models.musetalk.material import scenes
from lipkit.models.musetalk.model import MuseTalk
from lipkit.models.musetalk.objective import Batch, Judges, drawn, terms, unit, views
from lipkit.models.parts import vae, weights
from lipkit.models.parts.autoencoding import AutoencoderStage
from lipkit.models.parts.convert import convert
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.patch_judge import PatchJudge
from lipkit.models.parts.perception import perception
from lipkit.training.data import Data, FootageData, footage

CHECKED = 4  # excerpts of a validation
SHOWN = 8  # frames of a sheet of samples
SYNCED = 16  # frames that a SyncNet sees


def autoencoder(
    model: MuseTalk, config: MuseTalkConfig, data: Data, seed: int
) -> AutoencoderStage | None:
    """The stage of an autoencoder of the model's own; None where it has the stored one."""
    if model.vae is None:
        return None
    given = footage(data, "autoencoder")

    def pictures(takes: object, rng: np.random.Generator, count: int) -> Tensor:
        return unit(scenes(takes, rng, count, 1, config.model)["target"][:, 0])

    draws = partial(pictures, given.training), partial(pictures, given.held_out)
    return AutoencoderStage(config.train.autoencoder.batch, *draws, config.train.kl)


def stage1(model: MuseTalk, config: MuseTalkConfig, data: Data, seed: int) -> FaceStage:
    """The first stage: single frames."""
    given = config.train.stage1, config.train.loss1
    return FaceStage("stage1", model, config, *given, footage(data, "stage1"))


def stage2(model: MuseTalk, config: MuseTalkConfig, data: Data, seed: int) -> FaceStage:
    """The second stage: frames in a row, against judges and to a SyncNet."""
    given = config.train.stage2, config.train.loss2
    return FaceStage("stage2", model, config, *given, footage(data, "stage2"))


def begin(model: MuseTalk, file: str) -> None:
    """Fill a fresh model's UNet from an official file, or one of the store."""
    given = read_checkpoint(weights.locate(file) if file in weights.catalogue() else file)
    own = {n: t for n, t in given.tensors.items() if not n.startswith("vae.")}
    plain = {n.removeprefix("unet."): t for n, t in own.items()}
    expected = {f"unet.{name}": t for name, t in model.unet.state_dict().items()}
    found = convert(plain, RULES, expected, file)
    model.unet.load_state_dict({n.removeprefix("unet."): t for n, t in found.items()})


def judges_of(config: TrainConfig, stage: StageConfig, weighing: Weighing) -> Judges:
    """The networks that terms with a weight need."""
    syncnet, size = None, 0
    if weighing.sync:
        if stage.frames != SYNCED:
            raise BadUsage(f"a SyncNet sees {SYNCED} frames, not {stage.frames}")
        syncnet, form = registry.load(registry.JUDGES["lips"])(config.syncnet)
        if form.frames != SYNCED or form.space != "pixels":
            raise WeightsError(f"{config.syncnet}: no SyncNet of {SYNCED} frames of pixels")
        size = form.resolution
    return Judges(
        looks=perception(config.vgg) if weighing.looks else None,
        syncnet=syncnet,
        syncnet_size=size,
        face=judge_of(config.judge) if weighing.judge else None,
        mouth=judge_of(config.judge) if weighing.mouth else None,
    )


def judge_of(config: JudgeConfig) -> PatchJudge:
    """A judge of patches with fresh weights."""
    return PatchJudge(config.width, config.layers, config.scales)


class Judging:
    """Trains a judge of patches against the model. A `Rival`."""

    def __init__(self, name: str, module: nn.Module, stage: FaceStage) -> None:
        self.name, self.module, self.stage = name, module, stage
        self.config = stage.config.judge.stage

    def loss(self, model: MuseTalk, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Mistakes about filmed and drawn faces; none before judging begins."""
        if step < self.stage.config.judged_from:
            return {}
        with torch.no_grad():
            made = self.stage.drawn(model, batch)
        seen = (views(each, batch)[self.name] for each in (unit(batch["target"]), made))
        real, false = (self.module(each).verdicts for each in seen)
        return {"mistakes": hinge(real, false)}


class FaceStage:
    """Trains the UNet to complete faces."""

    def __init__(
        self,
        name: str,
        model: MuseTalk,
        config: MuseTalkConfig,
        stage: StageConfig,
        weighing: Weighing,
        data: FootageData,
    ) -> None:
        self.name, self.stage, self.weighing, self.data = name, stage, weighing, data
        self.form: ModelConfig = config.model
        self.config: TrainConfig = config.train
        self.coder = vae.of(model).requires_grad_(False)
        self.judges = judges_of(self.config, stage, weighing)
        known = {"judge": self.judges.face, "mouth": self.judges.mouth}
        self.rivals = [Judging(n, module, self) for n, module in known.items() if module]

    def parameters(self, model: MuseTalk) -> list[nn.Parameter]:
        """The UNet's."""
        return list(model.unet.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Faces, other frames of the same people, and sound."""
        rng = np.random.default_rng((seed, 7, index))
        stage = self.stage
        return scenes(self.data.training, rng, stage.batch, stage.frames, self.form)

    def drawn(self, model: MuseTalk, batch: Batch) -> Tensor:
        """The model's faces ``(b, f, 3, r, r)``."""
        self.coder.to(batch["target"].device)
        return drawn(model.unet, self.coder, batch, self.config)

    def loss(self, model: MuseTalk, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Weighed terms: pixels and looks, and what judges and SyncNet say where they count."""
        for network in (getattr(self.judges, field.name) for field in fields(self.judges)):
            if isinstance(network, nn.Module):
                network.to(batch["target"].device)
        judged = step >= self.config.judged_from
        made = self.drawn(model, batch)
        return terms(made, batch, self.judges, self.weighing, self.config.side, judged)

    def validate(self, model: MuseTalk) -> Mapping[str, float]:
        """Errors in levels of the drawn halves of people never seen, and when others speak."""
        rng = np.random.default_rng(0)
        given = scenes(self.data.held_out, rng, CHECKED, self.stage.frames, self.form)
        batch = {name: tensor.to(model.unet.device) for name, tensor in given.items()}
        other = {**batch, "audio": batch["audio"].roll(1, 0)}
        found = {}
        for name, each in (("levels", batch), ("levels_misheard", other)):
            half = self.form.resolution // 2
            made = self.drawn(model, each)[..., half:, :]
            real = unit(each["target"])[..., half:, :]
            found[name] = float(127.5 * functional.l1_loss(made, real))
        return found

    def sample(self, model: MuseTalk, batch: Batch) -> Tensor:
        """Filmed faces, their references and drawn ones ``(3, n, 3, r, r)``, one of each row."""
        few = {name: tensor[:SHOWN] for name, tensor in batch.items()}
        one = {**few, **{n: few[n][:, :1] for n in ("target", "reference", "audio", "mouth")}}
        rows = (unit(one["target"]), unit(one["reference"]), self.drawn(model, one))
        return torch.stack([row[:, 0] for row in rows])
