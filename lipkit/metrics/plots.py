"""Where the lines, ticks and marks of a chart lie; what they look like is the page's business."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SIDE = 1000  # units of a plot's square view box, which the page stretches to the place there is
COLUMNS = 500  # of a long curve the lowest and highest value of each column are drawn

Values = Sequence[float | None]


@dataclass(frozen=True)
class Scale:
    """One axis: the values at its two ends, and what they count."""

    low: float
    high: float
    unit: str = ""
    clock: bool = False  # ticks as minutes and seconds

    def place(self, value: float) -> float:
        """Where ``value`` lies between the two ends, 0..1, kept inside."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def percent(self, value: float) -> float:
        """``place`` in percent, as short as a page needs it."""
        return round(100 * self.place(value), 2)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values along the axis, each with its place in percent and its label."""
        at = list(round_values(self.low, self.high))
        digits = max(0, -math.floor(math.log10(at[1] - at[0]) + 1e-9)) if len(at) > 1 else 2
        return [(self.percent(v), self._label(v, digits)) for v in at]

    def _label(self, value: float, digits: int) -> str:
        return _minutes(value) if self.clock else f"{value:.{digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Curve:
    """Values at even steps along x; None where there is none, and the line breaks."""

    values: Values
    look: str  # the page's name for its colour
    label: str
    start: float = 0.0
    step: float = 1.0
    scale: Scale | None = None  # its own, where it is not the chart's
    filled: bool = False  # down to the axis


@dataclass(frozen=True)
class Mark:
    """A straight line across the plot at ``x``, with words beside it, or at ``y``."""

    x: float | None = None
    y: float | None = None
    words: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart, with ``summary`` as its text alternative."""

    title: str
    summary: str
    x: Scale
    y: Scale
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...] = ()
    note: str = ""  # what the marks mean, beside the title
    wide: bool = False  # over the page's full width
    minor: bool = False  # small, behind the others

    def path(self, curve: Curve) -> str:
        """The SVG path of one of the curves in a view box of ``SIDE`` by ``SIDE``."""
        scale = curve.scale or self.y
        segments = []
        for run in runs(curve.values):
            spots = [
                (
                    round(SIDE * self.x.place(curve.start + i * curve.step)),
                    round(SIDE * (1 - scale.place(value))),
                )
                for i, value in thin(run, len(curve.values))
            ]
            segments.append(_area(spots) if curve.filled else _line(spots))
        return "".join(segments)


def present(values: Values) -> list[float]:
    """The values that are there."""
    return [v for v in values if v is not None and math.isfinite(v)]


def runs(values: Values) -> Iterator[list[tuple[int, float]]]:
    """Unbroken stretches of values, each value with its index."""
    run: list[tuple[int, float]] = []
    for i, value in enumerate(values):
        if value is not None and math.isfinite(value):
            run.append((i, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def thin(run: list[tuple[int, float]], total: int) -> list[tuple[int, float]]:
    """The part of a run that shows in a plot of ``COLUMNS`` columns: no peak gets lost."""
    bucket = math.ceil(total / COLUMNS)
    if bucket < 3:
        return run
    kept = []
    for i in range(0, len(run), bucket):
        part = run[i : i + bucket]
        kept += sorted({min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])})
    return kept


def span(values: Values, unit: str = "", *, zero: bool = False, least: float = 1e-6) -> Scale:
    """A scale that holds ``values`` with a little air, from zero if asked, ``least`` wide."""
    there = present(values) or [0.0]
    low, high = min(there), max(there)
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    if high - low < least:
        low, high = (low, low + least) if zero else (low - least / 2, high + least / 2)
    air = 0.06 * (high - low)
    return Scale(low if zero and low == 0 else low - air, high + air, unit)


def round_values(low: float, high: float, count: int = 6) -> Iterator[float]:
    """At most ``count`` round values from ``low`` to ``high``."""
    raw = (high - low) / max(1, count - 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        yield i * step


def _line(spots: list[tuple[int, int]]) -> str:
    """A polyline; a single spot becomes a dot by its round caps."""
    if len(spots) == 1:
        return "M{} {}h0".format(*spots[0])
    return "M" + "L".join(f"{x} {y}" for x, y in spots)


def _area(spots: list[tuple[int, int]]) -> str:
    """The polygon between a polyline and the axis."""
    return f"M{spots[0][0]} {SIDE}L" + "L".join(f"{x} {y}" for x, y in spots) + f"V{SIDE}Z"


def _minutes(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{int(seconds) // 60}:{seconds % 60:02.0f}"
