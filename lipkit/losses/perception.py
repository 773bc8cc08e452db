"""How different pictures look."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def lower_half_distance(
    distance: Callable[[Tensor, Tensor], Tensor], made: Tensor, real: Tensor
) -> Tensor:
    """``distance`` of the lower halves of pictures ``(n, 3, h, w)`` in -1..1, each ``(n,)``.

    ``distance`` takes two batches, as `lipkit.models.parts.lpips.Lpips` does.
    """
    middle = made.shape[-2] // 2
    return distance(made[..., middle:, :], real[..., middle:, :])
