"""The stage before all others where a model has a listener: telling phones by their sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.latentsync.config import LatentSyncConfig
from lipkit.models.latentsync.editing import windows_of
from lipkit.models.latentsync.listening import Listener, ListeningUNet
from lipkit.models.latentsync.model import LatentSync
from lipkit.training.data import Data, Footage, footage
from lipkit.training.speaking import heard_of

PHONES = "phones"  # what a take's truth must tell
CHECKED = 20  # takes of a validation


def hearing(
    model: LatentSync, config: LatentSyncConfig, data: Data, seed: int
) -> HearingStage | None:
    """The stage; None where nothing listens, or where nobody knows what is said."""
    found = footage(data, "hearing") if isinstance(model.unet, ListeningUNet) else None
    if found is None or PHONES not in found.training[0].truth:
        return None
    return HearingStage(config, found.training, found.held_out)


class HearingStage:
    """Trains the listener to tell the phones of single frames."""

    name = "hearing"

    def __init__(
        self, config: LatentSyncConfig, training: Sequence[Footage], held_out: Sequence[Footage]
    ) -> None:
        self.form, self.stage = config.model, config.train.hearing
        self.training, self.held_out = training, held_out

    def parameters(self, model: LatentSync) -> list[nn.Parameter]:
        """The listener's."""
        return list(listener_of(model).parameters())

    def batch(self, seed: int, index: int) -> Mapping[str, Tensor]:
        """Windows and phones of some frames of each of some takes."""
        rng = np.random.default_rng((seed, 7, index))
        chosen = rng.integers(len(self.training), size=self.stage.batch)
        parts = [self.excerpt(self.training[int(k)], rng) for k in chosen]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def excerpt(self, take: Footage, rng: np.random.Generator) -> dict[str, Tensor]:
        """``frames`` neighbouring frames of a take, or all that it has."""
        count = min(self.stage.frames, len(take))
        start = int(rng.integers(len(take) - count + 1))
        heard = windows_of(heard_of(take, self.form.encoder), self.form, start, count).data
        said = take.truth[PHONES][start : start + count]
        return {"heard": torch.from_numpy(heard), "said": torch.from_numpy(said)}

    def loss(self, model: LatentSync, batch: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        """Cross-entropy; phones blend, so classes are shares."""
        told = listener_of(model).phones(batch["heard"])
        return {"phones": functional.cross_entropy(told, batch["said"])}

    def validate(self, model: LatentSync) -> Mapping[str, float]:
        """How often the leading phone is told, in voices never heard."""
        right = []
        for take in self.held_out[:CHECKED]:
            voice = windows_of(heard_of(take, self.form.encoder), self.form, 0, len(take))
            heard = torch.from_numpy(voice.data).to(model.unet.device)
            told = listener_of(model).phones(heard).argmax(1).cpu().numpy()
            right.append(told == take.truth[PHONES].argmax(1))
        return {"held_out_phones": float(np.concatenate(right).mean())}


def listener_of(model: LatentSync) -> Listener:
    """The listener of a model that has one."""
    unet: Any = model.unet
    return unet.listener  # type: ignore[no-any-return]
