"""``lipkit info``: what a file is and how it was made."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from lipkit import ui
from lipkit.commands import _batch, _options
from lipkit.errors import BadUsage, ExitStatus, LipkitError


@click.command()
@click.argument("inputs", nargs=-1)
@click.option("--files-from", metavar="FILE", help="Read more names from FILE, one a line.")
@click.option("-0", "--null", is_flag=True, help="Names in --files-from end in NUL bytes.")
@_options.common
def info(inputs: tuple[str, ...], files_from: str | None, null: bool) -> int:
    """Say what a file is and how it was made.

    Prints a JSON object for each INPUT: a video, sound, picture, clip, features, latents, motion or
    weights; - is stdin. Kinds are told by bytes, not by names. On a pipe each object takes
    one line.
    """
    names = _batch.listed(inputs, files_from, null)
    if not names:
        raise BadUsage("nothing to look at: no inputs given")
    failures = [problem for name in names if (problem := _show(name, alone=len(names) == 1))]
    if len(failures) == len(names):
        return failures[0].status
    return ExitStatus.PARTIAL if failures else ExitStatus.OK


def _show(name: str, *, alone: bool) -> LipkitError | None:
    """Print what ``name`` is; a failure is raised if it stands alone, else told and returned."""
    try:
        facts = _facts(name)
    except LipkitError as problem:
        if alone:
            raise
        ui.error(str(problem))
        click.echo(json.dumps({"input": name, "error": str(problem)}, ensure_ascii=False))
        return problem
    indent = 2 if sys.stdout.isatty() else None
    click.echo(json.dumps(facts, indent=indent, ensure_ascii=False))
    return None


def _facts(name: str) -> dict[str, Any]:
    from lipkit.artifacts.summary import summarize
    from lipkit.media.source import open_source

    with open_source(name) as path:
        return {"input": name} | summarize(path)
