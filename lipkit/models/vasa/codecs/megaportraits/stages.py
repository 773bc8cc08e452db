"""The stages of the codec: how heads lie, the base model, and pictures of twice its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.losses.adversarial import deceit, hinge
from lipkit.models.parts.patch_judge import PatchJudge
from lipkit.models.vasa.codecs.megaportraits.changes import coloured
from lipkit.models.vasa.codecs.megaportraits.config import CodecConfig
from lipkit.models.vasa.codecs.megaportraits.judges import judges_of
from lipkit.models.vasa.codecs.megaportraits.material import colours, mattes, poses, stills
from lipkit.models.vasa.codecs.megaportraits.model import MegaPortraits, Motion
from lipkit.models.vasa.codecs.megaportraits.objective import (
    base_terms,
    crossed_terms,
    deceit_terms,
    discrepancy,
    staged,
    swapped,
)
from lipkit.models.vasa.codecs.megaportraits.training_config import CodecTraining
from lipkit.training.config import StageConfig
from lipkit.training.data import Footage, FootageData

Batch = Mapping[str, Tensor]
CHECKED = 8  # pairs of a validation
AWAKENING = 48  # faces that a fresh expression net is awakened by
SHOWN = 6  # pairs of a sheet of samples
DEGREES = 180 / np.pi


class Rivalry:
    """The discriminator's turn, with the pictures that the model's turn has just made."""

    name = "discriminator"

    def __init__(self, module: nn.Module, config: StageConfig) -> None:
        self.module, self.config = module, config
        self.pictures: tuple[Tensor, Tensor] | None = None  # real and made

    def loss(self, model: Any, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Both kinds told apart."""
        assert self.pictures is not None
        real, made = (self.module(pictures).verdicts for pictures in self.pictures)
        return {"hinge": hinge(real, made)}


class PoseStage:
    """Trains the pose net on heads whose pose is known, of tracked landmarks or of cartoons.

    MegaPortraits has one that others trained.
    """

    name = "pose"

    def __init__(self, form: CodecConfig, config: StageConfig, data: FootageData) -> None:
        self.config, self.data = config, data
        self.stills = stills(form.size)

    def parameters(self, model: Any) -> list[nn.Parameter]:
        """The pose net's."""
        return list(codec_of(model).pose.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Frames ``(b, 4, s, s)`` of as many takes, and their poses ``(b, 7)``."""
        rng = np.random.default_rng((seed, 7, index))
        return self.known(self.data.training, rng, self.config.batch)

    def known(self, takes: Sequence[Footage], rng: np.random.Generator, count: int) -> Batch:
        """Random frames with their poses."""
        frames, found = [], []
        for take in self.stills.chosen(takes, rng, count):
            row = int(rng.choice(np.flatnonzero(take.valid)))
            side = take.pictures(row, row + 1).shape[1]
            frames.append(self.stills.frame(take, row))
            found.append(poses(take, side)[row])
        pictures = torch.from_numpy(np.stack(frames)).movedim(-1, 1).contiguous()
        return {"frames": pictures, "pose": torch.from_numpy(np.stack(found))}

    def loss(self, model: Any, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Absolute errors of angles, places and the logarithm of sizes."""
        made = codec_of(model).pose(coloured(colours(batch["frames"]), 0.3))
        apart = (made[:, :6] - batch["pose"][:, :6]).abs()
        size = (made[:, 6].log() - batch["pose"][:, 6].log()).abs()
        return {"angles": apart[:, :3].mean(), "place": apart[:, 3:].mean(), "size": size.mean()}

    def validate(self, model: Any) -> Mapping[str, float]:
        """Mean errors on people never seen: degrees, and hundredths of the crop's side."""
        given = self.known(self.data.held_out, np.random.default_rng(0), 4 * CHECKED)
        net = codec_of(model).pose
        device = next(net.parameters()).device
        apart = (net(colours(given["frames"].to(device))).cpu() - given["pose"]).abs()
        return {
            "degrees": float(apart[:, :3].mean() * DEGREES),
            "hundredths": float(50 * apart[:, 3:5].mean()),
        }


class CodecStage:
    """Trains all of the base model but its pose net."""

    name = "codec"

    def __init__(
        self, form: CodecConfig, config: StageConfig, training: CodecTraining, data: FootageData
    ) -> None:
        self.config, self.training, self.data = config, training, data
        self.stills = stills(form.size)
        self.judges = judges_of(training.judges, training.loss)
        weighed = training.loss.deceit or training.loss.features
        discriminator = PatchJudge(*astuple(training.discriminator))
        self.rivals = [Rivalry(discriminator, config)] if weighed else []

    def parameters(self, model: Any) -> list[nn.Parameter]:
        """Those of the base model but for the pose net; a fresh expression net is awakened."""
        codec = codec_of(model)
        frames = self.stills.pairs(self.data.training, np.random.default_rng(0), AWAKENING)
        codec.awaken(colours(frames[:, 0]).to(next(codec.parameters()).device))
        spared = {id(p) for part in (codec.pose, codec.enhancer) if part for p in part.parameters()}
        return [p for p in codec.parameters() if id(p) not in spared]

    def batch(self, seed: int, index: int) -> Batch:
        """Pairs of frames ``(b, 2, 4, s, s)``, source and driver, each of another take."""
        rng = np.random.default_rng((seed, 8, index))
        return {"frames": self.stills.pairs(self.data.training, rng, self.config.batch)}

    def loss(self, model: Any, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """All weighed terms."""
        codec, loss = codec_of(model), self.training.loss
        if step < loss.contrast_from:
            loss = replace(loss, contrast=0.0)
        scene = staged(codec, batch["frames"], self.training.changes)
        judges = self.judges.to(scene.drivers.device)
        made = codec.draw(scene.look, scene.moved)
        terms = base_terms(codec, scene, made, judges, loss)
        if loss.contrast or loss.cross_identity:
            terms |= crossed_terms(codec, scene, made, judges, loss)
        if loss.consistency:
            pair = swapped(codec, scene, loss.crossed or len(scene.drivers))
            terms["consistency"] = loss.consistency * discrepancy(*pair, judges.vgg.looks)
        for rival in self.rivals:
            rival.module.to(scene.drivers.device)
            real, drawn = (x * scene.driver_mattes for x in (scene.drivers, made.colour))
            rival.pictures = real, drawn.detach()
            terms |= deceit_terms(rival.module, real, drawn, loss)
        return terms

    def validate(self, model: Any) -> Mapping[str, float]:
        """On people never seen: errors in levels of a head of the same and of swapped codes."""
        rng = np.random.default_rng(0)
        frames = self.stills.pairs(self.data.held_out, rng, CHECKED)
        codec = codec_of(model)
        scene = staged(codec, frames.to(next(codec.parameters()).device), None)
        made = codec.draw(scene.look, scene.moved)
        apart = (made.colour - scene.drivers).abs() * scene.driver_mattes
        posed, moved = swapped(codec, scene, CHECKED)
        gap = (posed.over(0.0) - moved.over(0.0)).abs()
        head = scene.driver_mattes.mean()
        matte = functional.l1_loss(made.matte, scene.driver_mattes)
        return {
            "levels": float(127.5 * apart.mean() / head),
            "swapped": float(127.5 * gap.mean() / head),
            "matte": float(matte),
        }

    def sample(self, model: Any, batch: Batch) -> Tensor:
        """Rows of sources, drivers, renders, and the same motion on the next person."""
        return sheet(codec_of(model), batch["frames"][:SHOWN])


class HighStage:
    """Trains the enhancer behind the frozen base model (supplement, section A.2).

    Pictures are of twice the base model's size; the cycle holds what the base model drew.
    """

    name = "codec_hr"

    def __init__(
        self, form: CodecConfig, config: StageConfig, training: CodecTraining, data: FootageData
    ) -> None:
        self.config, self.loss_of, self.data = config, training.high_loss, data
        self.size, self.stills = form.size, stills(2 * form.size)
        self.rivals = [Rivalry(PatchJudge(*astuple(training.discriminator)), config)]

    def parameters(self, model: Any) -> list[nn.Parameter]:
        """The enhancer's."""
        return list(codec_of(model).enhancer.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Pairs of frames ``(b, 2, 4, 2s, 2s)``."""
        rng = np.random.default_rng((seed, 9, index))
        return {"frames": self.stills.pairs(self.data.training, rng, self.config.batch)}

    def loss(self, model: Any, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Errors of heads drawn of themselves, and what heads moved by others look like."""
        codec, loss = codec_of(model), self.loss_of
        frames = batch["frames"]
        real = colours(frames[:, 1]) * mattes(frames[:, 1])
        with torch.no_grad():
            small = functional.avg_pool2d(frames.flatten(0, 1).float(), 2)
            scene = staged(codec, small.unflatten(0, (-1, 2)), None)
            base = codec.draw(scene.look, scene.moved)
            turned = torch.arange(len(frames)).roll(1)
            crossed = codec.draw(scene.look[turned], scene.moved)
        own, other = codec.enlarged(base).colour, codec.enlarged(crossed).colour
        drawn = own * mattes(frames[:, 1])
        rival = self.rivals[0]
        rival.module.to(drawn.device)
        rival.pictures = real, drawn.detach()
        terms = deceit_terms(rival.module, real, drawn, loss)
        terms["cross_deceit"] = loss.cross_deceit * deceit(rival.module(other).verdicts)
        terms["pixels"] = loss.pixels * functional.l1_loss(drawn, real)
        reduced = functional.avg_pool2d(other, 8)
        goal = functional.avg_pool2d(crossed.over(0.0), 4)
        terms["cycle"] = loss.cycle * functional.l1_loss(reduced, goal)
        return terms


def codec_of(model: Any) -> MegaPortraits:
    """The codec of a model that has one, or the model itself."""
    found: MegaPortraits = getattr(model, "codec", model)
    return found


def sheet(codec: MegaPortraits, frames: Tensor) -> Tensor:
    """Rows ``(4, n, 3, s, s)``: sources, drivers, sources moved by them, and by the next one's."""
    scene = staged(codec, frames, None)
    own = codec.draw(scene.look, scene.moved).over(0.0)
    order = torch.arange(len(frames)).roll(1)
    strange = Motion(scene.moved.pose[order], scene.moved.expression[order])
    other = codec.draw(scene.look, strange).over(0.0)
    return torch.stack([scene.sources, scene.drivers, own, other])
