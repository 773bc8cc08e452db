"""How different pictures look."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional


def lower_half_distance(
    distance: Callable[[Tensor, Tensor], Tensor], made: Tensor, real: Tensor
) -> Tensor:
    """``distance`` of the lower halves of pictures ``(n, 3, h, w)`` in -1..1, each ``(n,)``.

    ``distance`` takes two batches, as `lipkit.models.parts.lpips.Lpips` does.
    """
    middle = made.shape[-2] // 2
    return distance(made[..., middle:, :], real[..., middle:, :])


def feature_distance(
    look: Callable[[Tensor], Iterable[Tensor]], made: Tensor, real: Tensor
) -> Tensor:
    """The mean absolute difference of the features that ``look`` sees, layers counting alike.

    Johnson et al. 2016, arXiv:1603.08155, with the absolute difference. No gradient reaches
    ``real``.
    """
    with torch.no_grad():
        goals = [goal.detach() for goal in look(real)]
    pairs = zip(look(made), goals, strict=True)
    return torch.stack([functional.l1_loss(m, goal) for m, goal in pairs]).mean()


def unlikeness(first: Tensor, second: Tensor) -> Tensor:
    """The mean of one minus the cosine of embeddings ``(b, d)``; no gradient reaches ``first``."""
    return (1 - functional.cosine_similarity(first.detach(), second, dim=1)).mean()
