"""The report of scores: one HTML page that needs nothing beside itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePath

import jinja2

from lipkit.metrics import tables
from lipkit.metrics.charts import charts
from lipkit.metrics.figures import figure, number, plain
from lipkit.metrics.plots import Chart
from lipkit.metrics.strips import Picture
from lipkit.metrics.systems import Place, is_truth, places
from lipkit.protocols import Measure, Score

FACES_WANTED = 0.8  # a clip with a face in a smaller share of its frames is called unreliable

ARROWS = {"higher": "↑", "lower": "↓", "zero": "→ 0", "real": "≈ real", "none": "–"}
DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "zero": "nearest to zero is best",
    "real": "nearest to real videos is best",
    "none": "no direction: describes the clip",
}


@dataclass(frozen=True)
class Entry:
    """A clip in the report: its scores by measures' names, and what can be seen of it.

    ``facts`` are shown beside the name, such as the frame rate. ``error`` says why a clip has no
    scores at all. ``faces`` is the share of frames that show a face, None where nobody looked.
    """

    name: str
    scores: Mapping[str, Score] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    strip: tuple[Picture, ...] = ()
    reference_strip: tuple[Picture, ...] = ()
    faces: float | None = None
    fps: float = 25.0
    error: str | None = None


@dataclass(frozen=True)
class SetEntry:
    """Scores of a set of clips; ``system`` as ``systems.places`` names it, empty for all clips."""

    scores: Mapping[str, Score]
    system: str = ""


@dataclass(frozen=True)
class Report:
    """All that a page shows: ``measures`` in their order, clips, sets, and what was left out."""

    measures: Sequence[Measure]
    entries: Sequence[Entry]
    sets: Sequence[SetEntry] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)  # metric -> why
    version: str = ""
    headings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # heading -> measures

    @cached_property
    def places(self) -> list[Place]:
        """System and clip of each entry."""
        if not self.entries:
            return []
        names, references = zip(*((e.name, e.reference) for e in self.entries), strict=True)
        return places(names, references)

    @cached_property
    def systems(self) -> list[str]:
        """The systems, the real videos first; a single empty name where nothing is compared."""
        found = dict.fromkeys(place.system for place in self.places)
        return sorted(found, key=lambda name: not is_truth(name))


def render(report: Report) -> str:
    """The page as HTML text; every name in it is escaped, and nothing is loaded from anywhere."""
    page = jinja2.Environment(
        loader=jinja2.PackageLoader("lipkit", "assets/report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters.update(figure=figure, number=number, jpeg=_jpeg, plain=plain)
    recipes = tables.recipes(report)
    shared = {line.measure.name: line.score for _, lines in recipes for line in lines}
    page.globals.update(
        arrows=ARROWS,
        directions=DIRECTIONS,
        own=lambda measure, score: _own(score, shared[measure.name]),
    )
    text = page.get_template("page.html").render(
        report=report,
        title=_title(report),
        clips=list(zip(report.entries, report.places, strict=True)),
        set_names={name for own in report.sets for name in own.scores},
        clip_tables=tables.clip_tables(report),
        comparisons=tables.chapters(report, tables.comparisons(report)),
        summaries=tables.chapters(report, tables.summaries(report)),
        left_out=_by_cause(report.left_out),
        recipes=recipes,
        sets=tables.set_lines(report),
        lines_of=lambda entry: tables.score_lines(report, entry.scores),
        charts_of=lambda entry: _charts(report, entry),
        unreliable=lambda entry: entry.faces is not None and entry.faces < FACES_WANTED,
    )
    return text.encode(errors="backslashreplace").decode()  # names can hold bytes that are no text


def _jpeg(picture: Picture) -> str:
    return "data:image/jpeg;base64," + b64encode(picture.jpeg).decode()


def _title(report: Report) -> str:
    """What was scored, in a few words."""
    if len(report.entries) == 1:
        return PurePath(report.entries[0].name).name
    count = len({place.clip for place in report.places})
    if len(report.systems) > 1:
        return f"{len(report.systems)} systems on {count} clip{'s' if count != 1 else ''}"
    return f"{count} clips"


def _by_cause(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    """The metrics left out for each reason."""
    causes: dict[str, list[str]] = {}
    for name, why in left_out.items():
        causes.setdefault(why.removeprefix(f"{name} "), []).append(name)
    return causes


def _own(score: Score, shared: Score) -> Score:
    """A score with those of its settings and weights alone that are not shared."""
    settings = {key: v for key, v in score.settings.items() if key not in shared.settings}
    weights = score.weights if score.weights != shared.weights else None
    return replace(score, settings=settings, weights=weights)


def _charts(report: Report, entry: Entry) -> list[Chart]:
    titles = {measure.name: measure.title for measure in report.measures}
    return charts({n: score.curves for n, score in entry.scores.items()}, titles, entry.fps)
