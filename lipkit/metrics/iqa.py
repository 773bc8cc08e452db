"""Metrics of the package pyiqa, for those who have it: ``--metrics pyiqa:niqe``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from lipkit.errors import BadUsage
from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Measure, Passage, Score
from lipkit.registry import load, nearest
from lipkit.runtime import choose

if TYPE_CHECKING:
    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Better

EVERY = 25  # frames: one a second is looked at


class Iqa(Base):
    """One metric of pyiqa on whole frames, one a second; its weights are pyiqa's own business."""

    packages: tuple[str, ...] = ("pyiqa",)
    clock: Literal["source", "25"] = "25"

    def __init__(self, name: str) -> None:
        self.name = name
        better: Better = "none"
        compares = False
        if known := _known(name):
            better = "lower" if known.get("lower_better") else "higher"
            compares = known.get("metric_mode") == "FR"
        self.needs = frozenset({"video", "reference"} if compares else {"video"})
        title = f"{name} by pyiqa"
        recipe = "pyiqa's default settings, whole frames, one a second, mean"
        self.measures = (Measure(f"pyiqa_{name.replace('-', '_')}", title, "", better, recipe),)

    def watch(self, clip: Clip) -> IqaWatch:
        """A watch that asks pyiqa about one frame a second."""
        return IqaWatch(self.name, self.measures[0].name)


class IqaWatch(BaseWatch):
    """What pyiqa thinks of the frames seen."""

    def __init__(self, name: str, key: str) -> None:
        self.name, self.key = name, key
        self.values: list[float] = []

    def see(self, passage: Passage) -> None:
        """Ask about the frames whose turn it is."""
        import torch

        for k, row in enumerate(passage.rows):
            if row % EVERY:
                continue
            shown = (
                [passage.frames]
                if passage.reference is None
                else [passage.frames, passage.reference]
            )
            pictures = [torch.from_numpy(f[k].copy()).movedim(-1, 0)[None] / 255 for f in shown]
            with torch.inference_mode():
                self.values.append(float(_net(self.name)(*pictures)))

    def scores(self) -> Mapping[str, Score]:
        """The mean."""
        from importlib.metadata import version

        settings = {"pyiqa": version("pyiqa"), "every": EVERY}
        if not self.values:
            return {self.key: Score(None, reason="no frame was seen", settings=settings)}
        return {self.key: Score(fmean(self.values), len(self.values), settings=settings)}


def _known(name: str) -> Mapping[str, Any] | None:
    """What pyiqa says of a metric; None where pyiqa is not installed."""
    try:
        every: dict[str, Mapping[str, Any]] = load("pyiqa.default_model_configs:DEFAULT_CONFIGS")
    except ImportError:
        return None
    if name not in every:
        guess = nearest(name, list(every))
        hint = f"did you mean pyiqa:{guess}?" if guess else "`pyiqa -ls` lists them"
        raise BadUsage(f"pyiqa has no metric {name!r}", hint=hint)
    return every[name]


@cache
def _net(name: str) -> Any:
    return load("pyiqa:create_metric")(name, device=choose().device)
