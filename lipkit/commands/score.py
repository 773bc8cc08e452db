"""``lipkit score``: every metric of the field on videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from lipkit import ui
from lipkit.commands import _options
from lipkit.errors import BadUsage, ExitStatus, LipkitError, WeightsError


@click.command()
@click.argument("inputs", nargs=-1, metavar="VIDEO...")
@click.option(
    "--reference",
    metavar="FILE|DIR",
    help="What the videos should look like: a real video, a picture of the person, or a folder of "
    "them, paired by name and compared with as a set.",
)
@click.option(
    "--audio",
    metavar="FILE|DIR",
    help="The sound to hear instead of the videos' own; of a folder, the file of the same name.",
)
@click.option(
    "--metrics",
    metavar="NAMES",
    help="Metrics, measures or families of them with commas between, such as lse,fid; "
    "all, the default, is whatever can run.",
)
@click.option("--report", metavar="HTML", help="Write a page with pictures and curves, too.")
@click.option("--list", "listing", is_flag=True, help="List the metrics and what they need.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "table"]),
    help="json: a line a clip, the default; table: for people, and what --list prints.",
)
@click.option(
    "--pairs", metavar="FILE", help="Video, tab, reference, tab, sound; one a line, or as JSON."
)
@click.option("-o", "--output", metavar="FILE", help="Write the lines there instead of to stdout.")
@_options.files_from
@_options.jobs
@click.option(
    "--skip-existing", is_flag=True, help="Keep the finished lines in -o FILE; add what is missing."
)
@click.option(
    "--work-dir",
    metavar="DIR",
    help="Keep there what set metrics and the report need of each clip, and use what is there.",
)
@_options.force
@_options.common
def score(inputs: tuple[str, ...], **options: Any) -> int:
    """Measure videos by every metric of the field.

    Each VIDEO becomes a line of JSON: its values by name, null where they are not defined, and
    under "scores" how each was measured. Metrics of sets, such as FID, add a line that says "set".
    Folders stand for the videos in them; - is standard input.

    \b
    lipkit score out.mp4 --reference real.mp4 | jq .lse_c
    lipkit score made/ --reference real/ --report report.html -j 4 > scores.jsonl
    """
    if options["listing"]:
        return list_metrics(options)
    from lipkit.commands._score_inputs import gather
    from lipkit.commands._score_job import Job, run
    from lipkit.metrics.choice import choose

    keys = ("files_from", "null", "pairs", "reference", "audio")
    material = gather(inputs, **{key: options[key] for key in keys})
    chosen, left_out = choose(names_in(options["metrics"]), material.given)
    tell(left_out)
    if not chosen:
        raise LipkitError("no metric can run here", hint="`lipkit score --list` says why")
    return run(Job.of(chosen, left_out, material, options))


def list_metrics(options: Mapping[str, Any]) -> int:
    """Print every metric and whether it can run with the references that are given."""
    from lipkit.commands._score_inputs import given_by
    from lipkit.commands._score_lines import show_list

    show_list(given_by(options["reference"]), options["form"])
    return ExitStatus.OK


def names_in(text: str | None) -> list[str]:
    """The names in ``--metrics``; none for all."""
    names = [name for name in (text or "").replace(" ", "").split(",") if name]
    if text is not None and not names:
        raise BadUsage("--metrics names none", hint="`lipkit score --list` shows all")
    return [] if "all" in names else names


def tell(left_out: Mapping[str, LipkitError]) -> None:
    """Say which metrics do not run and why, those of one cause together."""
    causes: dict[str, list[str]] = {}
    for name, problem in left_out.items():
        weights = isinstance(problem, WeightsError)  # each of these hints is long; the list has it
        cause = problem.message if weights else str(problem)
        causes.setdefault(cause.removeprefix(f"{name} "), []).append(name)
    for cause, names in causes.items():
        ui.say(f"left out: {', '.join(names)}: {cause}")
    if any(isinstance(problem, WeightsError) for problem in left_out.values()):
        ui.say("`lipkit models pull NAME` fetches weights; `lipkit score --list` says from where")
