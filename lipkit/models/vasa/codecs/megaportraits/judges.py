"""The frozen networks that the codec's loss asks: the user's own, or small stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.errors import BadUsage, WeightsError
from lipkit.models.parts import iresnet
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.perception import Perception
from lipkit.models.parts.stand_in import STAND_IN, StandIn
from lipkit.models.vasa.codecs.megaportraits.training_config import JudgeNames, Weighing

Look = Callable[[Tensor], Iterable[Tensor]]
DEPTHS = {"vgg": (2, 2, 4, 4, 4), "face": (2, 2, 3, 3, 3), "gaze": (2, 2, 3, 3, 3)}


class StandInIdentity(StandIn):
    """In place of ArcFace: how often which colours and edges occur, wherever they are."""

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings ``(b, d)`` of ``faces (b, 3, h, w)`` in -1..1."""
        means = [features.mean((2, 3)) for features in self.looks(faces)]
        found = torch.cat(means, 1)
        return found - found.mean(1, keepdim=True)


@dataclass(frozen=True)
class Judges:
    """Networks by what they are asked; None where their term does not count."""

    vgg: Any = None
    face: Any = None
    gaze: Any = None
    identity: Any = None

    def to(self, device: torch.device) -> Judges:
        """The same networks on a device."""
        for network in vars(self).values():
            if network is not None:
                network.to(device)
        return self


def judges_of(names: JudgeNames, loss: Weighing) -> Judges:
    """The networks of terms with a weight; BadUsage where one of them has no network."""
    counts = {
        "vgg": loss.vgg or loss.consistency,
        "face": loss.face,
        "gaze": loss.gaze,
        "identity": loss.cross_identity,
    }
    found = {}
    for kind, weight in counts.items():
        name = getattr(names, kind)
        if weight and not name:
            raise BadUsage(
                f"the loss asks a network, and train.base.judges.{kind} names none",
                hint=f"--set train.base.judges.{kind}=FILE, or {STAND_IN}, or weigh it 0",
            )
        if weight:
            found[kind] = judge_of(kind, name).eval().requires_grad_(False)
    return Judges(**found)


def judge_of(kind: str, name: str) -> nn.Module:
    """One network from a file, or its stand-in."""
    if name == STAND_IN:
        return StandInIdentity() if kind == "identity" else StandIn()
    given = read_checkpoint(name)
    if kind == "identity":
        return iresnet.adopt(given)
    network = Perception(DEPTHS[kind])
    tensors = {n: t for n, t in given.tensors.items() if n.startswith("features.")}
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        shape = "VGG19" if kind == "vgg" else "VGG16"
        hint = "names as torchvision's, such as features.0.weight"
        raise WeightsError(f"{name}: not the convolutions of {shape}", hint=hint) from None
    return network
