"""The running average of the weights, which samples better than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import Parameter


class Average:
    """Exponential moving average of parameters.

    Young averages decay faster, ``(1 + n) / (10 + n)`` after n updates, so that the start of a
    training is soon forgotten.
    """

    def __init__(self, parameters: Sequence[Parameter], decay: float) -> None:
        self.parameters = list(parameters)
        self.decay = decay
        self.shadow = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after update number ``step``."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for shadow, parameter in zip(self.shadow, self.parameters, strict=True):
            shadow.lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The averages in place of the weights, for as long as the context lasts."""
        own = [p.detach().clone() for p in self.parameters]
        self._put(self.shadow)
        try:
            yield
        finally:
            self._put(own)

    def assign(self) -> None:
        """Leave the averages in place of the weights."""
        self._put(self.shadow)

    @torch.no_grad()
    def _put(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)
