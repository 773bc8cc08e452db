"""A whole run of ``score``: what is done already, the clips, the sets, the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lipkit import __version__, ui
from lipkit.commands import _batch
from lipkit.commands._score_inputs import Material, Take
from lipkit.commands._score_keep import Folder, Sources, read_contribution
from lipkit.commands._score_lines import Lines, Row
from lipkit.commands._scoring import Scoring
from lipkit.errors import BadInput, ExitStatus, LipkitError
from lipkit.metrics.choice import Chosen
from lipkit.runtime import cores

if TYPE_CHECKING:
    from lipkit.metrics.engine import Tensors
    from lipkit.protocols import Measure

Kept = Mapping[str, str]  # set metric to the file of its contribution


@dataclass
class Job:
    """What to do, and what became of it: ``kept`` is what set metrics have of each take."""

    chosen: Sequence[Chosen]
    left_out: Mapping[str, LipkitError]
    material: Material
    lines: Lines
    jobs: int
    resume: bool
    single: bool
    work_dir: str | None
    report: Path | None
    kept: dict[Take, Kept] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        chosen: Sequence[Chosen],
        left_out: Mapping[str, LipkitError],
        material: Material,
        options: Mapping[str, Any],
    ) -> Job:
        """The job that the options describe; what cannot be written is refused at once."""
        resume, force = options["skip_existing"], options["force"]
        if options["report"] is not None:
            _batch.check_output(options["report"], force or resume)
        return cls(
            chosen,
            left_out,
            material,
            Lines.open(options["output"], options["form"], force=force, resume=resume),
            options["jobs"],
            resume,
            len(material.takes) == 1 and not (options["files_from"] or options["pairs"]),
            options["work_dir"],
            Path(options["report"]) if options["report"] is not None else None,
        )

    @property
    def measures(self) -> list[Measure]:
        """All that is measured, in order."""
        return [m for one in self.chosen for m in (*one.measures, *one.set_measures)]

    @property
    def of_sets(self) -> list[Chosen]:
        """The metrics that say something of sets."""
        return [one for one in self.chosen if one.set_measures]

    @property
    def real(self) -> tuple[Take, ...]:
        """The reference clips, if any metric compares sets."""
        compares = any("set" in one.metric.needs for one in self.of_sets)
        return self.material.real if compares else ()


def run(job: Job) -> int:
    """Do the job; the exit status says whether all, some or no clips could be scored."""
    with ExitStack() as stack:
        folder = Folder(Path(job.work_dir or stack.enter_context(TemporaryDirectory())))
        folder.make()
        scoring = Scoring(
            tuple((one.name, one.names) for one in job.chosen), folder, job.report is not None
        )
        todo = remaining(job, folder)
        failed = sum(do(job, scoring, todo))
        for row in set_rows(job):
            job.lines.add(row)
        if job.report is not None:
            from lipkit.commands._score_report import write_report

            write_report(job, folder)
    job.lines.end(job.measures)
    if failed and failed == len(todo):
        return ExitStatus.FAILED
    return ExitStatus.PARTIAL if failed else ExitStatus.OK


def remaining(job: Job, folder: Folder) -> list[Take]:
    """The takes that no earlier run has finished; the lines of the others are kept."""
    before = job.lines.earlier() if job.resume else []
    earlier = {(row["clip"], row["key"]): row for row in before if row.get("key")}
    done, todo = list[Row](), list[Take]()
    for take in (*job.material.takes, *job.real):
        row, kept = work_of(job, folder, take, earlier)
        if row is not None:
            done.append(row)
        if kept is not None and (row is not None or take.real):
            job.kept[take] = kept
        else:
            todo.append(take if row is None else replace(take, only_sets=True))
    again = {take.clip for take in job.material.takes}
    job.lines.begin([*(row for row in earlier.values() if row["clip"] not in again), *done])
    for row in done:
        job.lines.keep(row)
    return todo


def work_of(
    job: Job, folder: Folder, take: Take, earlier: Mapping[tuple[str, str], Row]
) -> tuple[Row | None, Kept | None]:
    """A take's line of an earlier run, and its contributions where all of them are still here."""
    sources = sources_of(take) if job.resume or job.work_dir else None
    if sources is None:
        return None, None
    row = None if take.real else earlier.get((take.clip, sources.key(job.chosen)))
    sets = [one for one in job.of_sets if "set" in one.metric.needs or not take.real]
    kept = {one.name: str(folder.contribution(sources.share(one))) for one in sets}
    return row, kept if all(Path(path).is_file() for path in kept.values()) else None


def sources_of(take: Take) -> Sources | None:
    """The files of a take; None where they cannot be known before, as standard input."""
    if "-" in take.inputs:
        return None
    other, sound = (Path(name) if name else None for name in (take.reference, take.sound))
    sources = Sources(Path(take.clip), other, sound)
    try:
        sources.key(())  # reads them
    except BadInput:
        return None
    return sources


def do(job: Job, scoring: Scoring, todo: Sequence[Take]) -> Iterator[bool]:
    """Score the takes and write their lines; whether each failed. A single one's error is ours."""
    if job.single and todo and not (todo[0].real or todo[0].only_sets):
        record(job, todo[0], scoring(todo[0]))
        todo = todo[1:]
    takes = {take.inputs: take for take in todo}
    plan = _batch.Plan(tuple(todo), False, job.jobs or cores(), dry=True)
    for row in _batch.rows(plan, scoring) if todo else ():
        take = takes[tuple(row["inputs"])]
        if row["status"] != "failed":
            record(job, take, row)
            yield False
            continue
        ui.error(row["error"])
        if not (take.real or take.only_sets):
            facts = {"clip": take.clip, "reference": take.reference, "audio": take.sound}
            why = {key: row[key] for key in ("status", "error", "exit")}
            job.lines.add({**facts, **why, "scores": {}, "lipkit": __version__})
        yield True


def record(job: Job, take: Take, found: Mapping[str, Any]) -> None:
    """Write a clip's line, and remember where its contributions lie."""
    job.kept[take] = found["kept"]
    if "line" in found:
        job.lines.add(found["line"])


def set_rows(job: Job) -> Iterator[Row]:
    """A line for all clips, or for those of each system where there are several."""
    from lipkit.artifacts.scores import row_of
    from lipkit.metrics.engine import sets
    from lipkit.metrics.systems import places

    if not job.of_sets:
        return
    references = [take for take in job.kept if take.real]
    made = [take for take in job.kept if not take.real]
    if not made:
        return
    real = contributions(job, references)
    found = places([take.clip for take in made], [take.reference for take in made])
    for system in dict.fromkeys(place.system for place in found):
        members = [take for take, place in zip(made, found, strict=True) if place.system == system]
        scores = sets(job.chosen, contributions(job, members), real)
        counts = {"clips": len(members), "references": len(references)}
        facts = {"set": True, "system": system or None, **counts, "lipkit": __version__}
        yield row_of(facts | {"status": "ok"}, job.measures, scores)


def contributions(job: Job, takes: Sequence[Take]) -> dict[str, list[Tensors]]:
    """What each set metric has of the takes."""
    found: dict[str, list[Tensors]] = {}
    for take in takes:
        for metric, path in job.kept[take].items():
            tensors = read_contribution(Path(path))
            if tensors is not None:
                found.setdefault(metric, []).append(tensors)
    return found
