"""The report of a run of ``score``: its lines, with the curves and pictures kept of each clip."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lipkit import __version__, ui
from lipkit.artifacts.scores import scores_in
from lipkit.commands._score_keep import Folder, View

if TYPE_CHECKING:
    from lipkit.commands._score_job import Job
    from lipkit.commands._score_lines import Row
    from lipkit.metrics.report import Entry
    from lipkit.protocols import Score


def write_report(job: Job, folder: Folder) -> None:
    """Write the page, whole or not at all."""
    from lipkit.media.target import open_target
    from lipkit.metrics.families import headings
    from lipkit.metrics.report import Report, SetEntry, render

    assert job.report is not None
    clips = [row for row in job.lines.rows if not row.get("set")]
    sets = [row for row in job.lines.rows if row.get("set")]
    entries = [entry_of(row, folder) for row in clips]
    bare = sum(entry.error is None and not entry.strip for entry in entries)
    if bare:
        ui.say(f"{job.report}: no pictures of {bare} clips scored before; --work-dir keeps them")
    report = Report(
        measures=job.measures,
        entries=entries,
        sets=[SetEntry(scores_in(row), row["system"] or "") for row in sets],
        left_out={name: str(problem) for name, problem in job.left_out.items()},
        version=__version__,
        headings=headings(one.metric for one in job.chosen),
    )
    page = render(report)
    with open_target(job.report) as part:
        part.write_text(page, encoding="utf-8")


def entry_of(row: Row, folder: Folder) -> Entry:
    """A clip as the report shows it."""
    from lipkit.metrics.charts import RATE
    from lipkit.metrics.report import Entry

    if row["status"] == "failed":
        return Entry(row["clip"], reference=row["reference"], error=row["error"])
    view = View.read(folder.view(row["key"])) or View({})
    scores = {name: with_curves(score, name, view) for name, score in scores_in(row).items()}
    return Entry(
        name=row["clip"],
        scores=scores,
        facts=facts_of(row),
        reference=row["reference"],
        strip=view.strip,
        reference_strip=view.reference_strip,
        faces=row["faces"],
        fps=row["fps"] or RATE,
    )


def with_curves(score: Score, name: str, view: View) -> Score:
    """The score with what is drawn of it."""
    return replace(score, curves=view.curves.get(name, {}))


def facts_of(row: Row) -> dict[str, str]:
    """What people want to know of a clip beside its scores."""
    facts = {"frames": str(row["frames"])}
    if row["size"]:
        facts |= {"size": "{} x {}".format(*row["size"]), "rate": f"{row['fps']:g} fps"}
    if row["duration"] is not None:
        facts["length"] = f"{row['duration']:.2f} s"
    return facts
