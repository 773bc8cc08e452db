"""Matrices of low rank beside weights, so that a large model learns a little cheaply.

Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021), arXiv:2106.09685; kernels of
convolutions are taken for matrices of one row for each channel out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class LowRank(nn.Module):
    """A weight ``(o, ...)`` plus ``up (o, r) @ down (r, ...)``, which begins at zero."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rank = min(rank, weight.shape[0], weight[0].numel())
        self.up = nn.Parameter(weight.new_zeros(weight.shape[0], rank))
        self.down = nn.Parameter(torch.randn(rank, weight[0].numel()).to(weight) / math.sqrt(rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight as it is used."""
        return weight + (self.up @ self.down).view_as(weight)


def attach(network: nn.Module, rank: int) -> list[nn.Parameter]:
    """Put matrices beside all weights of linear layers and convolutions; returns the matrices."""
    found = [module for module in network.modules() if isinstance(module, KINDS)]
    made: list[nn.Parameter] = []
    for module in found:
        added = LowRank(module.weight, rank)
        parametrize.register_parametrization(module, "weight", added)
        made += added.parameters()
    return made


def merge(network: nn.Module) -> None:
    """Add the matrices to the weights and take them away."""
    for module in network.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
