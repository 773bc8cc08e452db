"""One item or thousands: what to make of which inputs, and what became of each.

A single item with ``-o`` runs plainly and its error is the command's. Everything else is a batch: a
JSON line on stdout for each item as it finishes, one bad item never stops the others.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lipkit import jsonl, ui
from lipkit.errors import BadUsage, ExitStatus, LipkitError
from lipkit.runtime import cores, share_cores


@dataclass(frozen=True)
class Item:
    """One piece of work: the inputs that belong together and where the result goes."""

    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Plan:
    """What to do with a list of items."""

    items: tuple[Item, ...]
    single: bool
    jobs: int = 1
    force: bool = False
    skip_existing: bool = False
    dry: bool = False  # nothing will be written


Work = Callable[[Item], dict[str, Any]]


def listed(names: Iterable[str], files_from: str | None, null: bool) -> list[str]:
    """All inputs of the command line and ``--files-from``; a folder stands for its files."""
    every = list(names)
    if files_from is not None:
        every += read_names(files_from, "--files-from", null=null)
    return [path for name in every for path in expand(name)]


def read_names(path: str, option: str, *, null: bool = False) -> list[str]:
    """The lines of the file that ``option`` names, - is stdin; bytes that are no UTF-8 survive."""
    try:
        with click.open_file(path, "rb") as file:
            data = file.read()
    except OSError as problem:
        raise BadUsage(f"{option} {path}: {problem.strerror}") from None
    parts = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(part) for part in parts if part]


def expand(name: str) -> Iterator[str]:
    """``name`` itself, or the visible files below it in order, where it is a folder."""
    if name == "-" or not Path(name).is_dir():
        yield name
        return
    for path in sorted(Path(name).rglob("*")):
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(name).parts):
            yield str(path)


def plan(
    inputs: Sequence[tuple[str, ...]],
    *,
    output: str | None,
    out_dir: str | None,
    suffix: str,
    files_from: str | None = None,
    jobs: int = 1,
    force: bool = False,
    skip_existing: bool = False,
    dry: bool = False,
) -> Plan:
    """Where the result of each group of inputs goes.

    ``-o`` takes one group; more need ``--out-dir``, where a result is named after its inputs.
    ``dry`` makes no folder.
    """
    if not inputs:
        raise BadUsage("nothing to do: no inputs given")
    if output is not None and out_dir is not None:
        raise BadUsage("-o and --out-dir exclude each other")
    if output is not None:
        if len(inputs) > 1:
            raise BadUsage(f"{len(inputs)} inputs and one -o", hint="use --out-dir for many")
        check_output(output, force or skip_existing)
        items = [Item(tuple(inputs[0]), output)]
    elif out_dir is not None:
        if not dry:
            make_folder(out_dir)
        items = [Item(tuple(group), named(out_dir, group, suffix)) for group in inputs]
        refuse_clashes(items)
    else:
        raise BadUsage("no output given", hint="use -o FILE (- for stdout) or --out-dir DIR")
    single = output is not None and files_from is None
    return Plan(tuple(items), single, jobs or cores(), force, skip_existing, dry)


def named(out_dir: str, group: Sequence[str], suffix: str) -> str:
    """The result's path: the stems of its inputs, joined by a hyphen."""
    stems = ("stdin" if name == "-" else Path(name).stem for name in group)
    return str(Path(out_dir) / ("-".join(stems) + suffix))


def refuse_clashes(items: Sequence[Item]) -> None:
    """Two inputs of one name would overwrite each other's result."""
    seen: dict[str, Item] = {}
    for item in items:
        if item.output in seen:
            both = f"{' '.join(seen[item.output].inputs)} and {' '.join(item.inputs)}"
            raise BadUsage(f"{both} would both become {item.output}", hint="rename one")
        seen[item.output] = item


def make_folder(out_dir: str) -> None:
    """The output folder, made where it is missing."""
    try:
        Path(out_dir).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise LipkitError(f"--out-dir {out_dir}: {problem.strerror}") from None


def check_output(output: str, overwrite: bool) -> None:
    """Refuse before the work what would fail after it."""
    if output == "-":
        if sys.stdout.isatty():
            raise BadUsage(
                "binary data would go to the terminal", hint="pipe it on, or use -o FILE"
            )
        return
    path = Path(output)
    if path.is_dir():
        raise BadUsage(f"{output} is a folder", hint="use --out-dir for folders")
    if path.exists() and not overwrite:
        raise BadUsage(f"{output} exists", hint="--force overwrites it")
    if not path.parent.is_dir():
        raise LipkitError(f"{output}: there is no folder {path.parent}", hint="make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise LipkitError(
            f"{output}: cannot write into {path.parent}", hint="choose another folder"
        )


def execute(plan: Plan, work: Work) -> int:
    """Do all items of ``plan``; the exit status says whether all, some or none succeeded."""
    if plan.single:
        item = plan.items[0]
        if not (plan.skip_existing and Path(item.output).exists()):
            work(item)
        return ExitStatus.OK
    failed = 0
    for row in rows(plan, work):
        print(jsonl.row(row), flush=True)
        if row["status"] == "failed":
            failed += 1
            ui.error(row["error"])
    if failed == len(plan.items):
        return ExitStatus.FAILED
    return ExitStatus.PARTIAL if failed else ExitStatus.OK


def rows(plan: Plan, work: Work) -> Iterator[dict[str, Any]]:
    """What became of each item, as they finish."""
    attempt = Attempt(work, plan.force, plan.skip_existing, plan.dry)
    jobs = min(plan.jobs, len(plan.items))
    if jobs <= 1:
        yield from map(attempt, plan.items)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    settings = (jobs, ui.settings.program, ui.settings.verbosity, ui.settings.debug)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), start_worker, settings)
    try:
        for done in as_completed([pool.submit(attempt, item) for item in plan.items]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def start_worker(jobs: int, program: str, verbosity: int, debug: bool) -> None:
    """Set a worker process up as its parent is, with its share of the cores."""
    ui.listen()
    ui.settings.program, ui.settings.verbosity, ui.settings.debug = program, verbosity, debug
    share_cores(jobs)


@dataclass(frozen=True)
class Attempt:
    """Does one item and turns its failure into a row; picklable, so that it can travel."""

    work: Work
    force: bool
    skip_existing: bool
    dry: bool = False

    def __call__(self, item: Item) -> dict[str, Any]:
        """The row of one item."""
        row: dict[str, Any] = {"inputs": list(item.inputs), "output": item.output}
        if self.skip_existing and Path(item.output).exists():
            return row | {"status": "skipped"}
        started = time.monotonic()
        try:
            if item.output != "-" and not self.dry:
                check_output(item.output, self.force)
            row |= self.work(item)
        except (LipkitError, OSError) as problem:
            if isinstance(problem, BrokenPipeError):
                raise
            return row | {"status": "failed", "error": str(problem), "exit": status_of(problem)}
        return row | {"status": "ok", "seconds": round(time.monotonic() - started, 3)}


def status_of(problem: BaseException) -> int:
    """The exit status that this failure alone would have given."""
    return int(problem.status if isinstance(problem, LipkitError) else ExitStatus.FAILED)
