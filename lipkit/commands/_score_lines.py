"""Where the lines of ``score`` go: to stdout or a file, a table for people, a list of metrics."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import jsonl, ui
from lipkit.commands import _batch
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from lipkit.metrics.choice import Given
    from lipkit.protocols import Measure

ARROWS = {"higher": "up", "lower": "down", "zero": "to 0", "real": "to real", "none": "-"}
MOST_COLUMNS = 6  # clips beside each other in a table
Row = dict[str, Any]


@dataclass
class Lines:
    """The lines as they come: to ``file``, else to stdout unless a ``table`` is wanted there."""

    file: Path | None
    table: bool
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def open(cls, output: str | None, form: str | None, *, force: bool, resume: bool) -> Lines:
        """Where lines go, and those that ``--skip-existing`` finds there."""
        if output in (None, "-"):
            if resume:
                raise BadUsage("--skip-existing needs -o FILE, where finished lines are")
            return cls(None, form == "table")
        assert output is not None
        _batch.check_output(output, force or resume)
        return cls(Path(output), form == "table")

    def earlier(self) -> list[Row]:
        """The whole lines of clips in the file, if there is one."""
        from lipkit.artifacts.scores import read_rows

        if self.file is None or not self.file.exists():
            return []
        return [row for row in read_rows(self.file) if "clip" in row]

    def begin(self, kept: Sequence[Row]) -> None:
        """Start the file anew with the lines that are ``kept``."""
        from lipkit.artifacts.scores import rewrite

        if self.file is not None:
            rewrite(self.file, kept)

    def keep(self, row: Row) -> None:
        """Count a line of an earlier run among this one's."""
        self.rows.append(row)

    def add(self, row: Row) -> None:
        """Write a line."""
        from lipkit.artifacts.scores import append

        self.rows.append(row)
        if self.file is not None:
            append(self.file, row)
        elif not self.table:
            print(jsonl.row(row), flush=True)

    def end(self, measures: Sequence[Measure]) -> None:
        """Show the table, if one is wanted."""
        if self.table:
            show_table(self.rows, measures)


def show_table(rows: Sequence[Row], measures: Sequence[Measure]) -> None:
    """Measures down, clips across, a few clips at a time; reasons below."""
    rows = [row for row in rows if row.get("status") != "failed"]
    names = titles(rows)
    for at in range(0, len(rows), MOST_COLUMNS):
        some = slice(at, at + MOST_COLUMNS)
        if at:
            print()
        ui.table(("measure", "better", *names[some]), list(lines_of(rows[some], measures)))
    reasons = dict.fromkeys(
        f"{title}: {name}: {about['reason']}"
        for title, row in zip(names, rows, strict=True)
        for name, about in row["scores"].items()
        if about["value"] is None
    )
    for reason in reasons:
        ui.say(reason)
    sys.stdout.flush()


def lines_of(rows: Sequence[Row], measures: Sequence[Measure]) -> Iterable[tuple[str, ...]]:
    """A line of the table for each measure that any of ``rows`` has."""
    for measure in measures:
        if any(measure.name in row["scores"] for row in rows):
            unit = f" ({measure.unit})" if measure.unit else ""
            cells = [shown(row["scores"].get(measure.name)) for row in rows]
            yield (f"{measure.name}{unit}", ARROWS[measure.better], *cells)


def titles(rows: Sequence[Row]) -> list[str]:
    """Headings of clips and sets: base names where these tell them apart."""
    short = [Path(row["clip"]).name for row in rows if not row.get("set")]
    apart = len(set(short)) == len(short)
    return [
        (f"all of {row['system']}" if row.get("system") else "all clips")
        if row.get("set")
        else (Path(row["clip"]).name if apart else str(row["clip"]))
        for row in rows
    ]


def shown(about: Mapping[str, Any] | None) -> str:
    """A value in four significant digits."""
    if about is None:
        return ""
    value = about["value"]
    return "null" if value is None else f"{value:.4g}"


def show_list(given: Given, form: str | None) -> None:
    """Every measure: direction, unit, needs, and whether it can run now, or why not."""
    rows = list(listed(given))
    if form == "json":
        for row in rows:
            print(jsonl.row(row))
        return
    ui.table(
        ("measure", "metric", "better", "unit", "needs", "now"),
        [
            (
                row["name"],
                row["metric"],
                ARROWS[row["direction"]],
                row["unit"] or "-",
                ", ".join([*row["needs"], *row["weights"], *row["packages"]]) or "-",
                "yes" if row["runs"] else row["reason"].split("; ")[0],
            )
            for row in rows
        ],
    )
    for reason in dict.fromkeys(row["reason"] for row in rows if not row["runs"]):
        ui.say(f"{reason}")


def listed(given: Given) -> Iterable[Row]:
    """A row for each measure."""
    from lipkit.metrics.choice import every, obstacle

    for name, metric in every().items():
        problem = obstacle(name, metric, given)
        for measure in (*metric.measures, *metric.set_measures):
            of_set = measure in metric.set_measures
            needs = sorted(metric.needs - (set() if of_set else {"set"}))
            missing = problem or (lacking_set(needs, given) if of_set else None)
            yield {
                "name": measure.name,
                "metric": name,
                "title": measure.title,
                "of": "set" if of_set else "clip",
                "direction": measure.better,
                "unit": measure.unit,
                "needs": needs,
                "weights": list(metric.weights),
                "packages": list(metric.packages),
                "recipe": measure.recipe,
                "runs": missing is None,
                "reason": str(missing).removeprefix(f"{name} ") if missing else None,
            }


def lacking_set(needs: Sequence[str], given: Given) -> str | None:
    """Why a measure of sets has nothing to compare with."""
    from lipkit.metrics.choice import GIVE

    return (
        f"needs a set of reference videos; {GIVE}" if "set" in needs and not given.videos else None
    )
