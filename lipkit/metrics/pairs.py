"""Scores that compare each frame of a clip with its partner in the reference, then average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lipkit.metrics import regions
from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Passage, Score

if TYPE_CHECKING:
    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames


class Compare(Protocol):
    """Compares two pictures ``(h, w, 3)``; None where the comparison has no finite value."""

    def __call__(self, made: Frames, real: Frames) -> float | None:
        """The score of one frame."""
        ...


class Pairwise(Base):
    """A comparison of whole frames, or of a region of both at the clip's own face.

    ``undefined`` is the reason where no frame gave a value.
    """

    needs = frozenset({"video", "reference"})
    region: str | None = None
    undefined = "no frame could be compared"

    def compare(self) -> Mapping[str, Compare]:
        """The comparison behind each measure; networks are loaded here."""
        raise NotImplementedError

    def watch(self, clip: Clip) -> PairWatch:
        """A fresh watch."""
        return PairWatch(self, clip)


class PairWatch(BaseWatch):
    """Collects the scores of a clip's frames."""

    def __init__(self, metric: Pairwise, clip: Clip) -> None:
        self._metric, self._clip = metric, clip
        self._compare = metric.compare()
        self._found: dict[str, list[float | None]] = {name: [] for name in self._compare}
        self._sizes: tuple[str, str] | None = None
        self._left_out = 0

    def see(self, passage: Passage) -> None:
        """Compare frames that have the reference's size."""
        assert passage.reference is not None
        if passage.frames.shape[1:] != passage.reference.shape[1:]:
            self._sizes = sized(passage.frames), sized(passage.reference)
            return
        for row, made, real in zip(passage.rows, passage.frames, passage.reference, strict=True):
            place = self._place(int(row))
            if place is None:
                self._left_out += 1
            for name, compare in self._compare.items():
                value = None if place is None else compare(made[place], real[place])
                self._found[name].append(value)

    def _place(self, row: int) -> tuple[slice, ...] | None:
        region = self._metric.region
        return () if region is None else regions.box(region, self._clip.track, row)

    def scores(self) -> Mapping[str, Score]:
        """Means over the frames that gave a value."""
        return {name: self._score(values) for name, values in self._found.items()}

    def _score(self, values: list[float | None]) -> Score:
        settings: dict[str, Any] = {"region": "whole frame"}
        if self._metric.region:
            settings["region"] = regions.REGIONS[self._metric.region][1]
            settings["frames_left_out"] = self._left_out
        known = [value for value in values if value is not None]
        undefined = len(values) - len(known) - self._left_out
        if undefined:
            settings["frames_undefined"] = undefined
        if known:
            value, curves = float(np.mean(known)), {"per frame": values}
            return Score(value, len(known), settings=settings, curves=curves)
        if self._sizes:
            reason = "frames are {}, the reference's {}".format(*self._sizes)
        elif undefined:
            reason = self._metric.undefined
        else:
            reason = "no frame has a face of some size" if values else "no frames to compare"
        return Score(None, reason=reason, settings=settings)


def sized(frames: Frames) -> str:
    """Width and height of frames ``(f, h, w, 3)`` for people."""
    return f"{frames.shape[2]}x{frames.shape[1]}"
