"""The one stage of training: tell the sound of a pose from the sounds of others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lipkit.errors import BadUsage
from lipkit.models.capp.config import CappConfig
from lipkit.models.capp.gathering import gather
from lipkit.models.capp.model import Capp
from lipkit.models.capp.takes import Takes
from lipkit.training.config import StageConfig
from lipkit.training.data import Data

GROUP = 16  # pairs among which validation looks for the right one
GROUPS = 8


def pairs(model: Capp, config: CappConfig, data: Data, seed: int) -> PairsStage:
    """The stage, with its data."""
    shape, stage = config.model, config.train.pairs
    if stage.frames != shape.frames:
        raise BadUsage(
            f"train.pairs.frames is {stage.frames}, but the model sees {shape.frames}",
            hint=f"--set train.pairs.frames={shape.frames}",
        )
    training, held_out = gather(data, shape.audio, shape.frames)
    return PairsStage(stage, training, held_out)


class PairsStage:
    """Trains both encoders by contrast within a batch, both ways (CLIP, Radford et al. 2021)."""

    name = "pairs"

    def __init__(self, config: StageConfig, training: Takes, held_out: Takes) -> None:
        self.config, self.training, self.held_out = config, training, held_out

    def parameters(self, model: Capp) -> list[nn.Parameter]:
        """All of the model's; the scale of the pose is set here too."""
        deviation, pace = self.training.spread()
        model.deviation.copy_(torch.from_numpy(deviation).clamp_min(1e-3))
        model.pace.copy_(torch.from_numpy(pace).clamp_min(1e-3))
        return list(model.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Windows of sound and of pose that belong together."""
        rng = np.random.default_rng((seed, 3, index))
        audio, pose = self.training.cut(rng, self.config.batch, self.config.frames)
        return {"audio": torch.from_numpy(audio), "pose": torch.from_numpy(pose)}

    def loss(self, model: Capp, batch: Mapping[str, Tensor], step: int) -> Mapping[str, Tensor]:
        """Cross entropies of finding the pose to a sound and the sound to a pose."""
        scores = model.contrast(batch["audio"], batch["pose"])
        right = torch.arange(len(scores), device=scores.device)
        return {
            "pose_of_sound": 0.5 * cross_entropy(scores, right),
            "sound_of_pose": 0.5 * cross_entropy(scores.T, right),
        }

    def validate(self, model: Capp) -> Mapping[str, float]:
        """Cosines of matched and mismatched pairs never seen, and how often the right one wins."""
        rng = np.random.default_rng(0)
        matched, mismatched, found = [], [], []
        for _ in range(GROUPS):
            windows = self.held_out.cut(rng, GROUP, self.config.frames)
            audio, pose = (torch.from_numpy(it).to(model.deviation.device) for it in windows)
            cosines = (model.hear(audio) @ model.watch(pose).T).cpu()
            own = torch.eye(GROUP, dtype=torch.bool)
            matched.append(cosines[own])
            mismatched.append(cosines[~own])
            found.append(cosines.argmax(0) == torch.arange(GROUP))
        return {
            "matched": float(torch.cat(matched).mean()),
            "mismatched": float(torch.cat(mismatched).mean()),
            "found": float(torch.cat(found).float().mean()),
        }
