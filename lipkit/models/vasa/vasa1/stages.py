"""The stages of VASA-1: a pose net, the codec, its HR part, and what moves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import noised
from lipkit.models.vasa.codecs.megaportraits.stages import CodecStage, HighStage, PoseStage
from lipkit.models.vasa.generator import Conditions
from lipkit.models.vasa.stages import correlation
from lipkit.models.vasa.vasa1.config import SamplingConfig, Vasa1Config
from lipkit.models.vasa.vasa1.model import Vasa1
from lipkit.models.vasa.vasa1.pipeline import DynamicsGenerator
from lipkit.models.vasa.vasa1.takes import Take, observe, statistics
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, footage

# VASA-1, section 3.2; the window before and its sound are left out together.
DROPPED = {"audio": 0.1, "gaze": 0.1, "distance": 0.1, "emotion": 0.1, "previous": 0.5}
CUT_SHORT = 0.1  # share of examples whose last frames have no sound
PLAYED = 8  # held-out takes that validation plays
STEPS = 8  # in which


def pose(model: Vasa1, config: Vasa1Config, data: Data, seed: int) -> PoseStage:
    """The stage of the net that tells poses."""
    return PoseStage(config.model.codec, config.train.pose, footage(data, "pose"))


def codec(model: Vasa1, config: Vasa1Config, data: Data, seed: int) -> CodecStage:
    """The stage of the base codec."""
    train = config.train
    return CodecStage(config.model.codec, train.codec, train.base, footage(data, "codec"))


def codec_hr(model: Vasa1, config: Vasa1Config, data: Data, seed: int) -> HighStage | None:
    """The stage of the part that enlarges; None where there is none."""
    if model.codec.enhancer is None:
        return None
    train = config.train
    return HighStage(config.model.codec, train.codec_hr, train.base, footage(data, "codec_hr"))


def generator(model: Vasa1, config: Vasa1Config, data: Data, seed: int) -> GeneratorStage:
    """The stage of what moves, with all takes as the trained codec sees them."""
    found = footage(data, "generator")
    training = observe(model, found.training, config.train.emotion)
    held_out = observe(model, found.held_out, config.train.emotion, most=PLAYED)
    return GeneratorStage(config.train.generator, training, held_out)


class GeneratorStage:
    """Trains the transformer to undo noise in the codec's motion, given what is heard."""

    name = "generator"

    def __init__(
        self, config: StageConfig, training: Sequence[Take], held_out: Sequence[Take]
    ) -> None:
        self.config, self.training, self.held_out = config, training, held_out

    def parameters(self, model: Vasa1) -> list[nn.Parameter]:
        """The transformer's; the scales of motion and sound are set here too."""
        for name in ("motion", "audio"):
            mean, deviation = statistics([getattr(take, name) for take in self.training])
            getattr(model, f"{name}_mean").copy_(mean)
            getattr(model, f"{name}_deviation").copy_(deviation)
        self.shape = model.config.generator
        return list(model.generator.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Pieces of ``context + window`` frames, with the conditions of their takes."""
        rng = np.random.default_rng((seed, 10, index))
        length = self.shape.context + self.shape.window
        rows: dict[str, list[np.ndarray]] = {}
        for _ in range(self.config.batch):
            take = self.training[int(rng.integers(len(self.training)))]
            first = int(rng.integers(len(take.motion) - length + 1))
            for name in ("motion", "audio"):
                rows.setdefault(name, []).append(getattr(take, name)[first : first + length])
            for name in ("gaze", "distance", "emotion"):
                rows.setdefault(name, []).append(getattr(take, name))
            rows.setdefault("known", []).append(np.array(take.known))
        return {name: torch.from_numpy(np.stack(found)) for name, found in rows.items()}

    def loss(self, model: Vasa1, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        """The squared error of clean motion."""
        k, size = self.shape.context, len(batch["motion"])
        motion = model.normalised(batch["motion"])
        audio = (batch["audio"] - model.audio_mean) / model.audio_deviation
        target = motion[:, k:]
        t = torch.randint(0, self.shape.diffusion_steps, (size,)).to(target.device)
        noise = torch.randn(target.shape).to(target)
        conditions = Conditions(
            audio=audio[:, k:],
            motion=motion[:, :k],
            motion_audio=audio[:, :k],
            gaze=batch["gaze"],
            distance=batch["distance"],
            emotion=batch["emotion"],
        )
        absent = absences(size, self.shape.window)
        absent = {name: mask.to(target.device) for name, mask in absent.items()}
        absent["gaze"] = absent["gaze"] | ~batch["known"]
        x = noised(target, noise, model.alpha_bar, t)
        error = model.generator(x, t, conditions, absent) - target
        return {"motion": error.square().mean()}

    def validate(self, model: Vasa1) -> Mapping[str, float]:
        """Correlation of motion that was made and seen, of people and words never met."""
        made, seen = [], []
        for take in self.held_out:
            player, state, rows = DynamicsGenerator(model, SamplingConfig(steps=STEPS)), None, []
            asked = {"gaze": 10 * take.gaze, "distance": float(take.distance[0]) / 10}
            for first in range(0, len(take.audio), player.window):
                heard = take.audio[first : first + player.window]
                motion, state = player.generate(heard, asked, state)
                rows.append(motion)
            made.append(torch.from_numpy(np.concatenate(rows)))
            seen.append(torch.from_numpy(take.motion))
        r = torch.stack([correlation(m, s) for m, s in zip(made, seen, strict=True)]).nanmean(0)
        best = r[7:].sort(descending=True).values[: max(1, len(r[7:]) // 4)]
        return {"expression_r": float(r[7:].mean()), "best_quarter_r": float(best.mean())}


def absences(size: int, window: int) -> dict[str, Tensor]:
    """Which conditions are left out of which examples, and of which frames the sound is.

    Sometimes the sound of the last frames is missing, so that sounds shorter than a window work.
    """
    found = {name: torch.rand(size) < share for name, share in DROPPED.items()}
    ends = torch.randint(1, window, (size,))
    ends = torch.where(torch.rand(size) < CUT_SHORT, ends, window)
    late = torch.arange(window) >= ends[:, None]
    found["audio"] = found["audio"][:, None] | late
    return found
