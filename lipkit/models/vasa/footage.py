"""Fine-tuning on a user's own footage: what is heard, so that its lips are those that were filmed.

Real voices are further from the synthesizers' than these are from one another. A few clips cannot
teach phones, but they can bend what is heard towards lips: a loss on the lips' correlation, which
asks neither for a person's own range nor for his mean, beside one that keeps all that is heard as
it was.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lipkit.errors import BadInput, BadUsage
from lipkit.faces import mesh
from lipkit.metrics.lags import lags
from lipkit.models.vasa.config import VasaConfig
from lipkit.models.vasa.frontend import Frontend, measure, normalise
from lipkit.models.vasa.listen import measure_rows
from lipkit.models.vasa.mel import FPS, ROWS, Mel, log_mel
from lipkit.models.vasa.model import VoiceModel
from lipkit.training.config import StageConfig
from lipkit.training.data import Data, Footage, films
from lipkit.training.voices.augment import augment, masked_bands
from lipkit.training.voices.excerpts import resampled
from lipkit.training.voices.visemes import TABLE

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

KEPT = 1.0  # weight of the changes of what is heard
UNRELATED = 0.15  # r under which, at any lag, lips have nothing to do with the sound
FEW = 16  # clips of which none can be spared for validation
SHORTEST = 50  # frames of a clip


@dataclass(frozen=True)
class Filmed:
    """A clip's log-mel ``(4 f, 64)`` and its lips ``(f, 2)``: aperture and width, NaN if unseen."""

    name: str
    rows: Mel
    lips: Floats

    def cut(self, rng: np.random.Generator, frames: int) -> tuple[Floats, Floats]:
        """An excerpt at a tempo of 0.8 to 1.25: mel power ``(64, 4 f)`` and lips ``(2, f)``."""
        taken = min(int(frames * rng.uniform(0.8, 1.25)), len(self.lips))
        first = int(rng.integers(len(self.lips) - taken + 1))
        mel = 10.0 ** self.rows[ROWS * first : ROWS * (first + taken)].astype(np.float32)
        lips = resampled(self.lips[first : first + taken], frames)  # beside NaN there is NaN
        return resampled(mel, ROWS * frames).T, lips.T


def footage(model: VoiceModel, config: VasaConfig, source: Data, seed: int) -> FootageStage | None:
    """The stage, with its clips brought in time; None for data that shows nobody."""
    found = films(source)
    if found is None:
        return None
    if bool((model.motion_deviation == 1).all()):
        raise BadUsage("footage alone teaches no phones", hint="begin with --from builtin")
    frontend = model.frontend.eval()
    many = len(found.training) + len(found.held_out) >= FEW
    training = [*found.training] + ([] if many else [*found.held_out])
    clips = [clip for take in training if (clip := in_time(frontend, take))]
    if not clips:
        raise BadInput(f"{source.name}: no clip whose lips follow its sound")
    held_out = [clip for take in found.held_out if (clip := in_time(frontend, take))]
    return FootageStage(config.train.footage, frontend, clips, held_out if many else [])


def in_time(frontend: Frontend, take: Footage) -> Filmed | None:
    """A clip with its lips shifted to where they fit what is heard best; None if nowhere."""
    if take.scheme != "mediapipe478":
        raise BadInput(f"{take.name}: landmarks of {take.scheme}", hint="align by mediapipe")
    rows, lips = log_mel([take.wave]), filmed_lips(take)
    count = min(len(rows) // ROWS, len(lips))
    if count < SHORTEST:
        log.warning("%s: left out, %d frames are too few", take.name, count)
        return None
    rows, lips = rows[: ROWS * count], lips[:count]
    guess = heard_lips(frontend, rows)
    curve = sum(lags(guess[:, k], lips[:, k]).curve for k in range(2)) / 2
    if not np.isfinite(curve).any() or np.nanmax(curve) < UNRELATED:
        log.warning("%s: left out, its lips do not follow its sound", take.name)
        return None
    late = int(np.nanargmax(curve)) - len(curve) // 2  # frames by which the sound comes later
    log.info("%s: lips lead by %d frames, r %.2f", take.name, late, np.nanmax(curve))
    return Filmed(take.name, rows, shifted(lips, late))


def filmed_lips(take: Footage) -> Floats:
    """Aperture and width ``(f, 2)`` in IOD of a clip at 25 frames a second; NaN where unseen."""
    points = np.asarray(take.points, np.float64)
    found = np.stack([mesh.aperture(points), mesh.width(points)], 1)
    found[~np.asarray(take.valid)] = np.nan
    count = max(1, round(len(found) * FPS / take.fps))
    return resampled(found.astype(np.float32), count) if take.fps != FPS else found.astype("f4")


def heard_lips(frontend: Frontend, rows: Mel) -> Floats:
    """Aperture and width ``(f, 2)`` that the phones heard in log-mel ``(4 f, 64)`` imply."""
    classes = frontend.hear(torch.from_numpy(rows), measure_rows(rows)).numpy()
    return np.asarray(classes @ TABLE, np.float32)


def shifted(lips: Floats, late: int) -> Floats:
    """Lips ``(f, 2)`` that come so many frames later, NaN where they came from outside."""
    moved = np.full_like(lips, np.nan)
    source = np.arange(len(lips)) - late
    inside = (source >= 0) & (source < len(lips))
    moved[inside] = lips[source[inside]]
    return moved


class FootageStage:
    """Trains the front end to hear the lips of people who were filmed."""

    name = "footage"

    def __init__(
        self,
        config: StageConfig,
        frontend: Frontend,
        training: Sequence[Filmed],
        held_out: Sequence[Filmed],
    ) -> None:
        self.config, self.training, self.held_out = config, training, held_out
        self.before = copy.deepcopy(frontend).eval().requires_grad_(False)
        self.table = torch.from_numpy(TABLE)

    def parameters(self, model: VoiceModel) -> list[nn.Parameter]:
        """The front end's."""
        return list(model.frontend.parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Excerpts: ``power (b, 64, 4 f)`` and ``lips (b, 2, f)``."""
        rng = np.random.default_rng((seed, 3, index))
        chosen = rng.integers(len(self.training), size=self.config.batch)
        pairs = [self.training[k].cut(rng, self.config.frames) for k in chosen]
        powers, lips = (torch.from_numpy(np.stack(rows)) for rows in zip(*pairs, strict=True))
        return {"power": augment(powers), "lips": lips}

    def loss(
        self, model: VoiceModel, batch: Mapping[str, Tensor], step: int
    ) -> Mapping[str, Tensor]:
        """How little the lips heard follow those filmed, and how much else has changed."""
        power = batch["power"]
        self.before.to(power.device)
        normal = normalise(power, measure(power))
        heard = model.frontend(masked_bands(normal)).float()
        with torch.no_grad():
            before = self.before(normal).float()
        frontend = model.frontend
        classes = heard * frontend.deviation[:, None] + frontend.mean[:, None]
        lips = torch.einsum("bcf,ck->bkf", classes, self.table.to(classes.device))
        return {
            "lips": (1 - followed(lips, batch["lips"])).mean(),
            "kept": KEPT * (heard - before).square().mean(),
        }

    def validate(self, model: VoiceModel) -> Mapping[str, float]:
        """Correlation of the lips heard with those filmed, on people who were kept apart."""
        if not self.held_out:
            return {}
        r = [
            followed(*(torch.from_numpy(v.T) for v in (heard_lips(model.frontend, c.rows), c.lips)))
            for c in self.held_out
        ]
        aperture, width = torch.stack(r).mean(0).tolist()
        return {"aperture_r": aperture, "width_r": width}


def followed(made: Tensor, real: Tensor) -> Tensor:
    """Pearson's r along time of ``made`` and ``real (..., f)``, where real is a number."""
    known = ~real.isnan()
    count = known.sum(-1, keepdim=True).clamp_min(1)

    def centred(x: Tensor) -> Tensor:
        x = torch.where(known, x, torch.zeros_like(x))
        return torch.where(known, x - x.sum(-1, keepdim=True) / count, torch.zeros_like(x))

    a, b = centred(made), centred(real.nan_to_num())
    scale = (a.square().sum(-1) * b.square().sum(-1)).clamp_min(1e-12).sqrt()
    return (a * b).sum(-1) / scale
