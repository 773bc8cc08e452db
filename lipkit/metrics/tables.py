"""The lines of the report's tables: systems compared, clips summed up, clip by clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Protocol, TypeVar

from lipkit.metrics.figures import decimals, number
from lipkit.metrics.systems import Comparison, compare
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from lipkit.metrics.report import Report

WIDEST = 6  # measures in one table of all clips


class HasMeasure(Protocol):
    """A line of a table."""

    @property
    def measure(self) -> Measure:
        """What it is about."""
        ...


Line = TypeVar("Line", bound=HasMeasure)


@dataclass(frozen=True)
class Summary:
    """One measure over all clips of a report without systems; sizes where "zero" is best."""

    measure: Measure
    values: Sequence[float]

    @property
    def numbers(self) -> list[str]:
        """Mean, standard deviation, least and greatest value."""
        spread = stdev(self.values) if len(self.values) > 1 else None
        found = (fmean(self.values), spread, min(self.values), max(self.values))
        digits = decimals([value for value in found if value is not None])
        return ["–" if value is None else number(value, digits) for value in found]


@dataclass(frozen=True)
class Column:
    """One measure of all clips, in so many digits after the point."""

    measure: Measure
    digits: int


@dataclass(frozen=True)
class ScoreLine:
    """One score, with the systems that it is of in a comparison."""

    measure: Measure
    score: Score
    systems: tuple[str, ...] = ()


def all_scores(report: Report) -> list[Mapping[str, Score]]:
    """The scores of each clip and of each set."""
    return [*(entry.scores for entry in report.entries), *(own.scores for own in report.sets)]


def used(report: Report) -> list[Measure]:
    """The measures that any clip or set was asked for."""
    asked = {name for scores in all_scores(report) for name in scores}
    return [measure for measure in report.measures if measure.name in asked]


def chapters(report: Report, lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """The lines under the headings of their measures; those without one come first."""
    heading = {name: title for title, names in report.headings.items() for name in names}
    found: dict[str, list[Line]] = {title: [] for title in ("", *report.headings)}
    for line in lines:
        found[heading.get(line.measure.name, "")].append(line)
    return [(title, own) for title, own in found.items() if own]


def recipes(report: Report) -> list[tuple[str, list[ScoreLine]]]:
    """The measures that any clip or set was asked for, with the settings that all have."""
    return chapters(report, [ScoreLine(m, _shared(report, m.name)) for m in used(report)])


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
        if values := _clip_values(report, measure):
            zero = measure.better == "zero"
            found.append(Summary(measure, [abs(v) for v in values] if zero else values))
    return found


def clip_tables(report: Report) -> list[tuple[str, list[Column]]]:
    """Heading and columns of each table that shows all clips, of few columns each.

    None where each system has but one clip: the comparison shows them already.
    """
    if len(report.entries) <= len(report.systems):
        return []
    columns = []
    for measure in report.measures:
        if values := _clip_values(report, measure):
            columns.append(Column(measure, decimals(values)))
    found = []
    for heading, own in chapters(report, columns):
        count = -(-len(own) // WIDEST)
        edges = [len(own) * i // count for i in range(count + 1)]
        found += [(heading, own[i:j]) for i, j in pairwise(edges)]
    return found


def score_lines(report: Report, scores: Mapping[str, Score]) -> list[tuple[str, list[ScoreLine]]]:
    """The scores of one clip under their headings."""
    asked = [measure for measure in report.measures if measure.name in scores]
    return chapters(report, [ScoreLine(measure, scores[measure.name]) for measure in asked])


def set_lines(report: Report) -> list[tuple[str, list[ScoreLine]]]:
    """The scores of all sets under their headings; one line says why systems have no value."""
    lines: list[ScoreLine] = []
    for measure in report.measures:
        found: dict[tuple[float | None, str], ScoreLine] = {}
        for own in report.sets:
            if score := own.scores.get(measure.name):
                key = score.value, score.reason or own.system
                known = found.get(key, ScoreLine(measure, score))
                found[key] = replace(known, systems=(*known.systems, own.system))
        lines += found.values()
    return chapters(report, lines)


def _clip_values(report: Report, measure: Measure) -> list[float]:
    scores = [entry.scores.get(measure.name) for entry in report.entries]
    return [score.value for score in scores if score and score.value is not None]


def _values(report: Report, measure: Measure) -> dict[str, dict[str, float]]:
    """The values of a measure: system -> clip -> value; of set measures the clip is empty.

    Systems whose clips could not be scored are left out.
    """
    rows = [
        (place.system, place.clip, entry.scores)
        for entry, place in zip(report.entries, report.places, strict=True)
        if entry.scores
    ]
    values: dict[str, dict[str, float]] = {system: {} for system, _, _ in rows}
    rows += [(own.system, "", own.scores) for own in report.sets if own.system in values]
    for system, clip, scores in rows:
        score = scores.get(measure.name)
        if score and score.value is not None:
            values[system][clip] = score.value
    return values


def _shared(report: Report, name: str) -> Score:
    """A score with the settings and weights that all values of a measure share, and no value."""
    rows = [scores[name] for scores in all_scores(report) if name in scores]
    made = [score for score in rows if score.value is not None] or rows
    first, *others = made
    settings = {
        key: value
        for key, value in first.settings.items()
        if all(other.settings.get(key) == value for other in others)
    }
    same = all(other.weights == first.weights for other in others)
    return Score(None, settings=settings, weights=first.weights if same else None)
