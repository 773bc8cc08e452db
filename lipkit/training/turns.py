"""Whose turn it is in an update: the model's, then each rival's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.errors import LipkitError
from lipkit.training.config import StageConfig
from lipkit.training.ema import Average
from lipkit.training.stage import Group, TrainingStage, grouped

Loss = Callable[[Mapping[str, Any], int], Mapping[str, Tensor]]


class _Costed(nn.Module):
    """A loss as the forward of a module, which is what data-parallel wrappers hook into."""

    def __init__(self, module: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.module = module
        self.loss = loss

    def forward(self, batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        return self.loss(batch, step)


@dataclass(eq=False)
class Turn:
    """One optimizer: what it trains, by which loss, how fast.

    ``module`` is the bare network, ``costed`` its loss as accelerate runs it.
    """

    name: str
    module: nn.Module
    costed: Any
    optimizer: Any
    groups: Sequence[Group]
    config: StageConfig
    average: Average

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All that is trained."""
        return self.average.parameters

    def train(self) -> None:
        """Training mode, but for parts without anything to train: their statistics stay."""
        self.costed.train()
        learning = {id(parameter) for parameter in self.parameters}
        for part in self.module.modules():
            own = {id(parameter) for parameter in part.parameters()}
            if own and not own & learning:
                part.eval()

    def set_rate(self, step: int) -> float:
        """Set the learning rates of an update; the first group's."""
        rate = self.config.learning_rate * self.config.rate(step)
        for group, into in zip(self.groups, self.optimizer.param_groups, strict=True):
            into["lr"] = rate * group.rate
        return float(self.optimizer.param_groups[0]["lr"])


def take_turns(
    engine: Any, model: nn.Module, stage: TrainingStage, config: StageConfig
) -> list[Turn]:
    """The turns of every update, ready to run, the model's first."""
    rivals = list(getattr(stage, "rivals", ()))
    for module in (model, *(rival.module for rival in rivals)):
        module.requires_grad_(False)
    if config.checkpointing:
        checkpoint_activations(model)

    def loss(batch: Mapping[str, Any], step: int) -> Mapping[str, Tensor]:
        return stage.loss(model, batch, step)

    turns = [_turn(engine, stage.name, model, loss, grouped(stage.parameters(model)), config)]
    for rival in rivals:

        def against(batch: Mapping[str, Any], step: int, by: Any = rival) -> Mapping[str, Tensor]:
            return by.loss(model, batch, step)  # type: ignore[no-any-return]

        groups = [Group(list(rival.module.parameters()))]
        turns.append(_turn(engine, rival.name, rival.module, against, groups, rival.config))
    return turns


def _turn(
    engine: Any,
    name: str,
    module: nn.Module,
    loss: Loss,
    groups: Sequence[Group],
    config: StageConfig,
) -> Turn:
    trained = [parameter for group in groups for parameter in group.parameters]
    for parameter in trained:
        parameter.requires_grad_(True)
    decays = [config.weight_decay if g.weight_decay is None else g.weight_decay for g in groups]
    optimizer = torch.optim.AdamW(
        [
            {"params": list(group.parameters), "weight_decay": decay}
            for group, decay in zip(groups, decays, strict=True)
        ],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
    )
    costed, optimizer = engine.prepare(_Costed(module, loss), optimizer)
    return Turn(name, module, costed, optimizer, groups, config, Average(trained, config.ema))


def give_turn(turns: Sequence[Turn], turn: Turn) -> None:
    """Freeze all but one: gradients that leak into another turn cost memory and confuse DDP."""
    if len(turns) == 1:
        return
    for other in turns:
        for parameter in other.parameters:
            parameter.requires_grad_(other is turn)


def checkpoint_activations(model: nn.Module) -> None:
    """Have every part of the model that can compute its activations again do so.

    Raises LipkitError where none can.
    """
    found = 0
    for module in model.modules():
        switch = getattr(module, "enable_gradient_checkpointing", None)
        switch = switch or getattr(module, "gradient_checkpointing_enable", None)
        if switch is not None and getattr(module, "_supports_gradient_checkpointing", True):
            switch()
            found += 1
    if not found:
        raise LipkitError(
            f"{type(model).__name__} has no gradient checkpointing",
            hint="set train.*.checkpointing=false",
        )
