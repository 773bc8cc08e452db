"""What the loop asks of a stage, and of what competes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor, nn

from lipkit.training.config import StageConfig


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters with a learning rate and a weight decay of their own."""

    parameters: Sequence[nn.Parameter]
    rate: float = 1.0  # times the stage's learning rate
    weight_decay: float | None = None  # None: the stage's


class TrainingStage(Protocol):
    """A ``Stage`` that makes its own batches.

    A stage may also have, and the loop then uses:

    - ``validate(model)``: named scores on held-out data
    - ``sample(model, batch)``: pictures ``(n, 3, h, w)`` or ``(rows, columns, 3, h, w)`` in -1..1
    - ``rivals``: a sequence of ``Rival``
    - ``finish(model)``: what is done to the model when it holds the averaged weights
    """

    name: str

    def parameters(self, model: Any) -> Iterable[nn.Parameter | Group]:
        """What this stage trains; all else is frozen."""
        ...

    def batch(self, seed: int, index: int) -> Mapping[str, Any]:
        """Batch number ``index``, the same for the same seed; tensors on the CPU."""
        ...

    def loss(self, model: Any, batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        """Named terms, already weighted."""
        ...


class Rival(Protocol):
    """A network that learns against the model, such as a discriminator.

    It takes its step after the model's in every update. Whoever is not at turn is frozen, so the
    model's loss may call ``module`` and the rival's loss the model.
    """

    name: str
    module: nn.Module
    config: StageConfig  # rates, betas, decay and clipping; counts are the stage's

    def loss(self, model: Any, batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        """Named terms, already weighted; none at all skips the turn."""
        ...


def grouped(found: Iterable[nn.Parameter | Group]) -> list[Group]:
    """The groups of what ``parameters`` gave; single parameters make up the first one."""
    given = list(found)
    single = [item for item in given if isinstance(item, nn.Parameter)]
    own = [Group(single)] if single else []
    return own + [item for item in given if isinstance(item, Group)]
