"""Blocks that several of LivePortrait's networks are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class Unit(nn.Module):
    """A 3-wide convolution, batch norm and activation, in ``axes`` of space."""

    def __init__(
        self,
        entering: int,
        leaving: int,
        axes: int,
        activation: Callable[[Tensor], Tensor] = functional.relu,
    ) -> None:
        super().__init__()
        self.conv = CONVOLUTIONS[axes](entering, leaving, 3, padding=1)
        self.norm = NORMS[axes](leaving)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """``x (b, c, ...)`` in as much space with ``leaving`` channels."""
        return self.activation(self.norm(self.conv(x)))


class Residual3d(nn.Module):
    """Two rounds of norm, activation and convolution, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm3d(width), nn.BatchNorm3d(width)
        self.conv1, self.conv2 = (nn.Conv3d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """A volume ``(b, c, d, h, w)`` of the same shape."""
        inner = self.conv1(functional.relu(self.norm1(x)))
        return x + self.conv2(functional.relu(self.norm2(inner)))


def perceptron(entering: int, inner: Sequence[int], leaving: int) -> nn.Sequential:
    """Linear layers with a ReLU between each two."""
    widths = [entering, *inner, leaving]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
