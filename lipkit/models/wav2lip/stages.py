"""The stages of training: an expert of lips and sound, then the generator against a judge.

Prajwal et al. 2020, arXiv:2008.10010, sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, l1_loss

from lipkit.errors import BadUsage
from lipkit.losses.agreement import disagreement
from lipkit.models.wav2lip.config import StageConfig, TrainConfig, Wav2LipConfig
from lipkit.models.wav2lip.material import pairs, scenes
from lipkit.models.wav2lip.model import Wav2Lip, expert_of, judge_of
from lipkit.models.wav2lip.syncnet import Expert, lips_of
from lipkit.training.data import Data, FootageData, footage

CHECKED = 64  # excerpts of a validation

Batch = Mapping[str, Tensor]


def expert(model: Wav2Lip, config: Wav2LipConfig, data: Data, seed: int) -> ExpertStage:
    """The first stage, with its data."""
    if model.expert is None:
        raise BadUsage("this model has no expert of its own", hint="--set model.judges=true")
    return ExpertStage(config.train.expert, footage(data, "expert"))


def generator(model: Wav2Lip, config: Wav2LipConfig, data: Data, seed: int) -> GeneratorStage:
    """The second stage, with its data and the networks that judge."""
    return GeneratorStage(config.train, footage(data, "generator"), model)


class ExpertStage:
    """Trains the expert to tell lips of one moment from lips of another one."""

    name = "expert"

    def __init__(self, config: StageConfig, data: FootageData) -> None:
        self.config, self.data = config, data

    def parameters(self, model: Wav2Lip) -> list[nn.Parameter]:
        """The expert's."""
        return list(model.expert.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Lips and sound, half of which belong together."""
        rng = np.random.default_rng((seed, 1, index))
        return pairs(self.data.training, rng, self.config.batch)

    def loss(self, model: Wav2Lip, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Cross-entropy of the cosines."""
        return {"agreement": judged(model.expert, batch["faces"], batch["mel"], batch["together"])}

    def validate(self, model: Wav2Lip) -> Mapping[str, float]:
        """The same of people never seen; 0.69 is chance."""
        batch = pairs(self.data.held_out, np.random.default_rng(0), CHECKED)
        device = next(model.expert.parameters()).device
        given = {name: tensor.to(device) for name, tensor in batch.items()}
        return {"agreement": float(self.loss(model, given, 0)["agreement"])}


class Judging:
    """Trains the judge of quality against the generator. A `Rival`."""

    name = "judge"

    def __init__(self, module: nn.Module, config: StageConfig) -> None:
        self.module, self.config = module, config

    def loss(self, model: Wav2Lip, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Cross-entropies of filmed and of made faces."""
        with torch.no_grad():
            made = drawn(model, batch)
        return {
            "filmed": mistaken(self.module(batch["faces"]), 1.0),
            "made": mistaken(self.module(made), 0.0),
        }


class GeneratorStage:
    """Trains the generator to draw faces as they were, by the expert's and the judge's advice."""

    name = "generator"

    def __init__(self, config: TrainConfig, data: FootageData, model: Wav2Lip) -> None:
        self.config, self.data = config, data
        self.expert = expert_of(model) if config.sync else None
        self.rivals = [Judging(judge_of(model), config.judge)] if config.perceptual else []

    def parameters(self, model: Wav2Lip) -> list[nn.Parameter]:
        """The generator's."""
        return list(model.generator.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Faces, others of the same person, and sound."""
        rng = np.random.default_rng((seed, 2, index))
        return scenes(self.data.training, rng, self.config.generator.batch)

    def loss(self, model: Wav2Lip, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Weighted terms: pixels, agreement of lips and sound, quality."""
        made, faces = drawn(model, batch), batch["faces"]
        config = self.config
        terms = {"pixels": (1 - config.sync - config.perceptual) * l1_loss(made, faces)}
        if self.expert is not None and step >= config.sync_from:
            together = torch.ones(len(made), device=made.device)
            self.expert.to(made.device)
            terms["sync"] = config.sync * judged(self.expert, made, batch["mels"][:, 0], together)
        for rival in self.rivals:
            terms["quality"] = config.perceptual * mistaken(rival.module(made), 1.0)
        return terms

    def validate(self, model: Wav2Lip) -> Mapping[str, float]:
        """Differences of pixels, 0..255, in the drawn half of people never seen."""
        batch = scenes(self.data.held_out, np.random.default_rng(0), CHECKED // 4)
        device = next(model.generator.parameters()).device
        given = {name: tensor.to(device) for name, tensor in batch.items()}
        made = drawn(model, given)
        half = made.shape[-2] // 2
        return {"levels": float(255 * l1_loss(made[..., half:, :], given["faces"][..., half:, :]))}

    def sample(self, model: Wav2Lip, batch: Batch) -> Tensor:
        """What was filmed above what is drawn, of the first frame of some excerpts."""
        few = {name: tensor[:6] for name, tensor in batch.items()}
        rows = torch.stack([few["faces"][:, :, 0], drawn(model, few)[:, :, 0]])
        return rows.flip(2) * 2 - 1


def drawn(model: Wav2Lip, batch: Batch) -> Tensor:
    """The generator's faces ``(b, 3, 5, 96, 96)`` for a batch."""
    upper = batch["faces"].clone()
    upper[..., upper.shape[-2] // 2 :, :] = 0
    return model.generator(batch["mels"], torch.cat([upper, batch["others"]], 1))


def mistaken(opinion: Tensor, truth: float) -> Tensor:
    """Mean cross-entropy of probabilities ``(n, 1)`` where all are ``truth``."""
    with torch.autocast(opinion.device.type, enabled=False):  # logarithms need all their bits
        return binary_cross_entropy(opinion.float(), torch.full_like(opinion, truth).float())


def judged(expert: Expert, faces: Tensor, mel: Tensor, together: Tensor) -> Tensor:
    """The expert's mean cross-entropy over faces ``(b, 3, 5, 96, 96)`` and their mels."""
    lips, sound = expert(lips_of(faces), mel)
    return disagreement(lips, sound, together).mean()
