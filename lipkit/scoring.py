"""The seam of scores: what a metric measures, what it is shown, and what it gives.

Shapes as in ``lipkit.protocols``, which offers all of these names, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Frames = NDArray[np.uint8]

Better = Literal["higher", "lower", "zero", "real", "none"]


@dataclass(frozen=True)
class Measure:
    """One number that a metric gives: its key in the lines of scores and what it means.

    ``better`` says where good clips lie: "zero" and "real" are nearest to nought and to what real
    videos have, "none" has no direction. ``recipe`` says in a line whose definition it is.
    """

    name: str
    title: str
    unit: str
    better: Better
    recipe: str


@dataclass(frozen=True)
class Score:
    """The value of a measure; None has a ``reason``, and NaN never gets here.

    ``frames`` are those that counted. ``weights`` maps files to SHA-256 digests; None leaves them
    to the engine, which knows the metric's. ``curves`` are drawn by the report, by name.
    """

    value: float | None
    frames: int = 0
    reason: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, str] | None = None
    curves: Mapping[str, Sequence[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Passage:
    """Some neighbouring frames of a clip: their numbers on the metric's clock ``rows (f,)``.

    ``frames (f, h, w, 3)`` in full resolution. ``reference`` are as many frames of the reference,
    of its own size, the nearest in time; a passage for a metric that needs a reference ends where
    the shorter of the two ends. Arrays are shared by all metrics: none may write into them, and
    who keeps one beyond the call copies it.
    """

    rows: NDArray[Any]
    frames: Frames
    reference: Frames | None = None


class Watch(Protocol):
    """What one metric sees of one clip, in the one pass over its frames."""

    def see(self, passage: Passage) -> None:
        """Take in the next frames; never called for metrics that do not need "video"."""
        ...

    def scores(self) -> Mapping[str, Score]:
        """The clip's scores by measures' names, after the last passage."""
        ...

    def contribution(self) -> Mapping[str, NDArray[Any]] | None:
        """What a set metric keeps of this clip: small arrays, which are stored and travel."""
        ...


class Metric(Protocol):
    """Scores of a clip, of a set of clips, or both.

    ``needs`` holds "video" (is shown frames), "face" (reads ``clip.track``), "audio" (reads
    ``clip.wave``), "reference" (a reference video), "likeness" (a reference picture or video:
    ``clip.picture``) and "set" (reference clips, for ``compute``). Clips that lack video, face,
    sound or reference are not handed to the metric: the engine gives them null with the reason.
    """

    measures: tuple[Measure, ...]  # of each clip
    set_measures: tuple[Measure, ...]  # of all clips together; needs "set" concerns these only
    needs: frozenset[str]
    weights: tuple[str, ...]  # names in the weights catalogue
    packages: tuple[str, ...]  # modules to import beyond lipkit's own dependencies
    clock: Literal["source", "25"]  # sees each source frame, or 25 a second by nearest time stamp

    def watch(self, clip: Any) -> Watch:
        """A fresh watch of a ``lipkit.metrics.clip.Clip``."""
        ...

    def compute(
        self,
        made: Sequence[Mapping[str, NDArray[Any]]],
        real: Sequence[Mapping[str, NDArray[Any]]],
    ) -> Mapping[str, Score]:
        """Scores of the set of clips ``made``, against reference clips ``real``, if any."""
        ...
