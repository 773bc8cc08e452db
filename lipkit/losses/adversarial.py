"""What judges of pictures and those who deceive them are trained for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def hinge(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """A judge's loss: verdicts of each scale are to be above 1 for real, below -1 for made ones.

    Lim and Ye 2017, arXiv:1705.02894, equation 3; the mean over scales.
    """
    both = zip(real, made, strict=True)
    return torch.stack(
        [functional.relu(1 - r).mean() + functional.relu(1 + m).mean() for r, m in both]
    ).mean()


def deceit(made: Sequence[Tensor]) -> Tensor:
    """The loss of who made the pictures: minus the verdicts, the mean over scales."""
    return -torch.stack([m.mean() for m in made]).mean()


def feature_gap(real: Sequence[Sequence[Tensor]], made: Sequence[Sequence[Tensor]]) -> Tensor:
    """How far a judge's features of each scale and layer are apart: feature matching.

    Wang et al. 2018, arXiv:1711.11585, equation 4; no gradient reaches ``real``.
    """
    layers = [
        functional.l1_loss(m, r.detach())
        for own, other in zip(made, real, strict=True)
        for m, r in zip(own, other, strict=True)
    ]
    return torch.stack(layers).mean()
