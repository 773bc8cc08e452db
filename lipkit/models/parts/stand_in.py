"""Stand-ins for judges of much training: enough to try a training with, and no more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

STAND_IN = "stand-in"
WIDTHS = (3, 16, 32, 64)  # of the stand-ins' layers
SEED = 1247


class StandIn(nn.Module):
    """Convolutions with random weights, always the same, in place of a network of much training.

    Such features see edges and colours, and how they move, but know nothing of faces.
    """

    def __init__(self, kind: Callable[..., nn.Module] = nn.Conv2d, stride: Any = 2) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            self.layers = nn.ModuleList(
                kind(inside, outside, 3, stride=stride, padding=1)
                for inside, outside in pairwise(WIDTHS)
            )

    def looks(self, x: Tensor) -> list[Tensor]:
        """Features after each layer."""
        found = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            found.append(x)
        return found
