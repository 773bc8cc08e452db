"""The lines of the report's tables: systems compared, clips summed up, clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, TypeVar

from lipkit.metrics.figures import decimals, number
from lipkit.metrics.systems import Comparison, compare
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from lipkit.metrics.report import Report

WIDEST = 6  # measures in one table of all clips

Line = TypeVar("Line")


@dataclass(frozen=True)
class Summary:
    """One measure over all clips of a report without systems; sizes where "zero" is best."""

    measure: Measure
    values: Sequence[float]

    @property
    def numbers(self) -> list[str]:
        """Mean, standard deviation, least and greatest value."""
        spread = stdev(self.values) if len(self.values) > 1 else 0.0
        found = (fmean(self.values), spread, min(self.values), max(self.values))
        return [number(value, decimals(found)) for value in found]


def all_scores(report: Report) -> list[Mapping[str, Score]]:
    """The scores of each clip and of each set."""
    return [*(entry.scores for entry in report.entries), *(own.scores for own in report.sets)]


def used(report: Report) -> list[Measure]:
    """The measures that any clip or set was asked for."""
    asked = {name for scores in all_scores(report) for name in scores}
    return [measure for measure in report.measures if measure.name in asked]


def chapters(
    report: Report, lines: Sequence[Line], measure: Callable[[Line], Measure]
) -> list[tuple[str, list[Line]]]:
    """The lines under the headings of their measures; those without one come first."""
    heading = {name: title for title, names in report.headings.items() for name in names}
    found: dict[str, list[Line]] = {title: [] for title in ("", *report.headings)}
    for line in lines:
        found[heading.get(measure(line).name, "")].append(line)
    return [(title, own) for title, own in found.items() if own]


def comparisons(report: Report) -> list[Comparison]:
    """A line for each measure that any system has a value of; none without several systems."""
    if len(report.systems) < 2:
        return []
    lines = [compare(measure, _values(report, measure)) for measure in used(report)]
    return [line for line in lines if any(line.cells.values())]


def summaries(report: Report) -> list[Summary]:
    """A line for each measure that any clip has a value of; none where systems are compared."""
    if len(report.entries) < 2 or len(report.systems) > 1:
        return []
    found = []
    for measure in used(report):
        scores = [entry.scores.get(measure.name) for entry in report.entries]
        values = [score.value for score in scores if score and score.value is not None]
        if values:
            zero = measure.better == "zero"
            found.append(Summary(measure, [abs(v) for v in values] if zero else values))
    return found


def clip_tables(report: Report) -> list[tuple[str, list[Measure]]]:
    """Heading and columns of each table that shows all clips."""
    if len(report.entries) < 2:
        return []
    valued = {n for e in report.entries for n, score in e.scores.items() if score.value is not None}
    shown = [measure for measure in report.measures if measure.name in valued]
    return [
        (heading, columns[i : i + WIDEST])
        for heading, columns in chapters(report, shown, lambda measure: measure)
        for i in range(0, len(columns), WIDEST)
    ]


def _values(report: Report, measure: Measure) -> dict[str, dict[str, float]]:
    """The values of a measure: system -> clip -> value; of set measures the clip is empty."""
    values: dict[str, dict[str, float]] = {system: {} for system in report.systems}
    rows = [
        (place.system, place.clip, entry.scores)
        for entry, place in zip(report.entries, report.places, strict=True)
    ]
    rows += [(own.system, "", own.scores) for own in report.sets if own.system in values]
    for system, clip, scores in rows:
        score = scores.get(measure.name)
        if score and score.value is not None:
            values[system][clip] = score.value
    return values
