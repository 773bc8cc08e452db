"""What most metrics have in common: no weights, no packages, each source frame, no set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Measure, Passage, Score


class Base:
    """The attributes of a metric at their commonest values."""

    measures: tuple[Measure, ...] = ()
    set_measures: tuple[Measure, ...] = ()
    needs: frozenset[str] = frozenset()
    weights: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    clock: Literal["source", "25"] = "source"

    def compute(
        self,
        made: Sequence[Mapping[str, NDArray[Any]]],
        real: Sequence[Mapping[str, NDArray[Any]]],
    ) -> Mapping[str, Score]:
        """Nothing: a metric of single clips."""
        return {}


class BaseWatch:
    """A watch that looks at no frames and keeps nothing for sets."""

    def see(self, passage: Passage) -> None:
        """Nothing: what the clip knows of itself is enough."""

    def contribution(self) -> Mapping[str, NDArray[Any]] | None:
        """Nothing for sets."""
        return None
