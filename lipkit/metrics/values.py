"""How metrics put their numbers into scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lipkit.protocols import Score

if TYPE_CHECKING:
    from numpy.typing import NDArray


def score(value: float | None, reason: str, **rest: Any) -> Score:
    """A score of ``value``, or none for ``reason`` where it is None or no finite number."""
    if value is None or not math.isfinite(value):
        return Score(None, reason=reason, **rest)
    return Score(float(value), **rest)


def all_scores(values: Mapping[str, float | None], reason: str, **rest: Any) -> dict[str, Score]:
    """The same for several measures that share everything but their values."""
    return {name: score(value, reason, **rest) for name, value in values.items()}


def curve(values: NDArray[Any]) -> list[float | None]:
    """A track ``(f,)`` for the report: None where it is no number."""
    return [float(value) if math.isfinite(value) else None for value in values]
