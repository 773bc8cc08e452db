"""Whether codes that belong together are nearer than others."""

from __future__ import annotations

import torch
from torch import Tensor


def margin_contrast(
    positive: Tensor, negative: Tensor, scale: float = 5.0, margin: float = 0.2
) -> Tensor:
    """``-sum log(e^p / (e^p + sum e^n))`` of cosines ``positive (b, k)``, ``negative (b, n)``.

    ``p = scale (cos - margin)``, ``n = scale cos``: CosFace (Wang et al. 2018, arXiv:1801.09414) as
    in MegaPortraits, arXiv:2207.07621, equations 7 and 8. Their print has the margin in the
    negatives, too, where it cancels out; the authors' later code does not. The mean over the batch.
    """
    near = scale * (positive - margin)
    far = (scale * negative).logsumexp(1, keepdim=True)
    return (torch.logaddexp(near, far.expand_as(near)) - near).sum(1).mean()
