"""The two stages of training: hear phones, then move to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import noised
from lipkit.models.vasa.config import VasaConfig
from lipkit.models.vasa.frontend import measure, normalise
from lipkit.models.vasa.generator import Conditions
from lipkit.models.vasa.listen import REST
from lipkit.models.vasa.mel import log_mel
from lipkit.models.vasa.model import VoiceModel
from lipkit.models.vasa.noise import REACH, coloured
from lipkit.models.vasa.takes import Takes, rehearse
from lipkit.training.config import StageConfig
from lipkit.training.data import films, speech
from lipkit.training.voices.augment import augment, masked_bands
from lipkit.training.voices.excerpts import Excerpts
from lipkit.training.voices.source import Recordings, Source
from lipkit.training.voices.visemes import PAUSES, TABLE

PLAYED = 12  # takes that validation plays
DROPPED = {"audio": 0.1, "gaze": 0.1, "distance": 0.1, "previous": 0.5}  # VASA-1, section 3.2
CHANGE = 0.1  # weight of the errors of changes
REST_UNMARKED = 0.2  # of excerpts, so that pauses are known by their sound as well


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's r of the columns of two ``(n, c)``."""
    a, b = a - a.mean(0), b - b.mean(0)
    return (a * b).sum(0) / ((a * a).sum(0) * (b * b).sum(0)).sqrt().clamp_min(1e-12)


@lru_cache(maxsize=1)
def recordings(source: Source) -> Recordings:
    """What the source holds, spoken first if need be."""
    return speech(source, "vasa").gather(lambda wave: log_mel([wave]))


def frontend(
    model: VoiceModel, config: VasaConfig, source: Source, seed: int
) -> FrontendStage | None:
    """The first stage, with its data; None for footage, from which another stage learns."""
    if isinstance(source, Source) and films(source):
        return None
    spoken = recordings(source)
    return FrontendStage(config.train.frontend, spoken.training, spoken.held_out)


def generator(
    model: VoiceModel, config: VasaConfig, source: Source, seed: int
) -> GeneratorStage | None:
    """The second stage, with its data: what the trained front end hears, and motion to it."""
    if isinstance(source, Source) and films(source):
        return None
    spoken = recordings(source)
    training = rehearse(model.frontend, spoken.training, seed)
    held_out = rehearse(model.frontend, spoken.held_out, seed + 1, most=PLAYED)
    return GeneratorStage(config.train.generator, training, held_out)


class FrontendStage:
    """Trains the front end to tell phone classes, and the lips that they imply."""

    name = "frontend"

    def __init__(self, config: StageConfig, training: Excerpts, held_out: Excerpts) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.table = torch.from_numpy(TABLE)
        classes = torch.from_numpy(training.classes).float()
        self.mean, self.deviation = classes.mean(0), classes.std(0).clamp_min(0.1)
        self.spread = (classes @ self.table).std(0)

    def parameters(self, model: VoiceModel) -> list[nn.Parameter]:
        """The front end's, whose output scale is set here too."""
        model.frontend.mean.copy_(self.mean)
        model.frontend.deviation.copy_(self.deviation)
        return list(model.frontend.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Excerpts: ``power (b, 64, 4 f)`` and ``classes (b, f, c)``."""
        rng = np.random.default_rng((seed, 0, index))
        pairs = [self.training.cut(rng, self.config.frames) for _ in range(self.config.batch)]
        powers, classes = zip(*pairs, strict=True)
        target = torch.from_numpy(np.stack(classes))
        power = augment(torch.from_numpy(np.stack(powers)))
        return {"power": power, "classes": target}

    def loss(
        self, model: VoiceModel, batch: Mapping[str, Tensor], step: int
    ) -> Mapping[str, Tensor]:
        """Squared errors of the classes and of the lips, and of their changes."""
        power = batch["power"]
        heard = model.frontend(masked_bands(normalise(power, measure(power))))
        mean, deviation = self.mean.to(heard.device), self.deviation.to(heard.device)
        classes = batch["classes"]
        target = ((classes - mean) / deviation).transpose(1, 2)
        table = self.table.to(heard.device) / self.spread.to(heard.device)
        error = heard - target
        lips = torch.einsum("bcf,ck->bkf", error * deviation[:, None], table)
        return {
            "classes": error.square().mean(),
            "change": 0.5 * error.diff(dim=-1).square().mean(),
            "lips": 0.3 * lips.square().mean(),
            "lips_change": 0.15 * lips.diff(dim=-1).square().mean(),
        }

    def validate(self, model: VoiceModel) -> Mapping[str, float]:
        """Correlation of aperture and width, and of speech against pause, on voices never heard."""
        heard, truth = [], []
        for first in range(0, self.held_out.frames - 500, max(500, self.held_out.frames // 24)):
            stop = first + 500
            rows = torch.from_numpy(self.held_out.mel[4 * first : 4 * stop]).to(model.motion_mean)
            heard.append(model.frontend.hear(rows, measure(10 ** rows.T[None])).cpu())
            truth.append(torch.from_numpy(self.held_out.classes[first:stop]).float())
        r = torch.stack(
            [correlation(h @ self.table, t @ self.table) for h, t in zip(heard, truth, strict=True)]
        ).mean(0)
        pause = torch.cat(heard)[:, PAUSES].sum(1), torch.cat(truth)[:, PAUSES].sum(1)
        spoken = correlation(pause[0][:, None], pause[1][:, None])
        return {"aperture_r": float(r[0]), "width_r": float(r[1]), "pause_r": float(spoken[0])}


class GeneratorStage:
    """Trains the transformer to undo noise in motion, given what the front end hears."""

    name = "generator"

    def __init__(self, config: StageConfig, training: Takes, held_out: Takes) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.mean, self.deviation, changes = training.statistics()
        self.pace = changes / self.deviation

    def parameters(self, model: VoiceModel) -> list[nn.Parameter]:
        """The transformer's; the scale of the motion is set here too."""
        model.motion_mean.copy_(self.mean)
        model.motion_deviation.copy_(self.deviation)
        self.shape = model.config.generator
        return list(model.generator.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Takes of ``context + window`` frames: audio, motion, gaze and distance."""
        rng = np.random.default_rng((seed, 1, index))
        length = self.shape.context + self.shape.window
        takes = [self.training.cut(rng, length) for _ in range(self.config.batch)]
        return {
            name: torch.from_numpy(np.stack([take[name] for take in takes]))
            for name in ("audio", "motion", "gaze", "distance")
        }

    def loss(
        self, model: VoiceModel, batch: Mapping[str, Tensor], step: int
    ) -> Mapping[str, Tensor]:
        """Squared errors of clean motion and of its changes, also across the window's start."""
        motion, audio = model.normalised(batch["motion"]), batch["audio"].clone()
        size, k = len(motion), self.shape.context
        device = motion.device
        audio[torch.rand(size, device=device) < REST_UNMARKED, :, REST] = 0
        t = torch.randint(0, self.shape.diffusion_steps, (size,), device=device)
        target = motion[:, k:]
        around = torch.randn(size, self.shape.window + 2 * REACH, target.shape[2], device=device)
        x = noised(target, coloured(around, model.colours), model.alpha_bar, t)
        conditions = Conditions(
            audio=audio[:, k:],
            motion=motion[:, :k],
            motion_audio=audio[:, :k],
            gaze=batch["gaze"],
            distance=batch["distance"],
        )
        absent = {name: torch.rand(size, device=device) < share for name, share in DROPPED.items()}
        error = model.generator(x, t, conditions, absent) - target
        known = (~absent["previous"])[:, None, None]  # the window before, where there was one
        change = torch.cat([error[:, :1] * known, error.diff(dim=1)], 1)
        # Changes count in their own units: a head that trembles by a tenth of a degree is wrong.
        change = change / self.pace.to(device)
        return {"motion": error.square().mean(), "change": CHANGE * change.square().mean()}

    def validate(self, model: VoiceModel) -> Mapping[str, float]:
        """Correlation of lips and truth, and the spread of the head, on voices never heard."""
        made, truth = self.held_out.played(model)
        pairs = zip(made, truth, strict=True)
        r = torch.stack([correlation(m, t) for m, t in pairs]).nanmean(0)
        spread = made.std(1).mean(0) / truth.std(1).mean(0)
        return {
            "aperture_r": float(r[0]),
            "width_r": float(r[1]),
            "jaw_r": float(r[3]),
            "aperture_spread": float(spread[0]),
            "blink_spread": float(spread[4]),
            "yaw_spread": float(spread[9]),
            "pitch_spread": float(spread[10]),
        }
