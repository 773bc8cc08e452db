"""After ``lipkit align`` with filters: the log, the counts, and the clips packed into shards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit import jsonl, ui
from lipkit.commands import _batch
from lipkit.errors import BadUsage, ExitStatus
from lipkit.filters.rules import FILTERS, RECIPES, Rule, rules
from lipkit.filters.verdicts import tally

if TYPE_CHECKING:
    from lipkit.commands._preparing import Preparation

SHARD = "clips-{}.tar"
CLIP = ".mkv"
Row = dict[str, Any]


def conclude(
    plan: _batch.Plan, work: Preparation, folder: Path, wishes: Mapping[str, Any], status: int
) -> int:
    """Write the log, pack shards, say the counts; the exit status.

    That no clip at all was kept is the inputs' fault.
    """
    reports = [path for item in plan.items if (path := Path(item.output)).is_file()]
    every = [json.loads(line) for path in reports for line in path.read_text().splitlines()]
    check_marks(every, work.mark)
    if wishes["log"]:
        write_log(wishes["log"], every)
    if wishes["shards"]:
        pack(folder, every, wishes["shards"])
    say_counts(every, work.rules)
    if status == ExitStatus.OK and not any(row["clip"] for row in every):
        ui.error("no clip passed the filters; the counts say which dropped them")
        return ExitStatus.BAD_INPUT
    return status


def write_log(path: str, rows: Iterable[Row]) -> None:
    """All rows in one file."""
    from lipkit.media.target import open_target

    with open_target(Path(path)) as part:
        part.write_text("".join(jsonl.row(row) + "\n" for row in rows))


def check_marks(rows: Iterable[Row], mark: str) -> None:
    """Say which videos ``--skip-existing`` left as other settings made them."""
    others = sorted({row["source"] for row in rows if row["made_by"] != mark})
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        ui.warn(f"{others[0]}{more}: cut before by other settings; --force cuts anew")


def say_counts(rows: Sequence[Row], chosen: Sequence[Rule]) -> None:
    """How many pieces each filter let through, for people."""
    kept = [row for row in rows if row["clip"]]
    length = sum(row["end"] - row["start"] for row in kept)
    sources = len({row["source"] for row in rows})
    bounds = {rule.name: str(rule.bound or "") for rule in chosen}
    ui.say(f"{'filter':<16} {'bound':>10} {'passed':>8} {'dropped':>8} {'not reached':>12}")
    for name, count in tally(rows).items():
        ui.say(
            f"{name:<16} {bounds.get(name, ''):>10} {count['passed']:>8} {count['dropped']:>8}"
            f" {count['not reached']:>12}"
        )
    lost = sum(row["dropped_by"] not in (None, *bounds) for row in rows)
    if lost:
        ui.say(f"{'no face':<16} {'':>10} {'':>8} {lost:>8}")
    ui.say(f"{sources} videos, {len(rows)} pieces, {len(kept)} clips kept, {length:.1f} s")


def pack(folder: Path, rows: Iterable[Row], size: int) -> None:
    """Pack the loose clips of ``folder`` into shards of ``size``, each with its row beside it.

    A clip's key is its path without the ending, so that its folder names the person.
    """
    from lipkit.artifacts.shards import index, write_shard

    shards = sorted(folder.glob(SHARD.format("*")))
    packed = {member.key for shard in shards for member in index(shard)}
    files = {folder / row["clip"]: row for row in rows if row["clip"]}
    files = {path: row for path, row in files.items() if path.is_file()}
    keys = {path: str(path.relative_to(folder).with_suffix("")) for path in files}
    new = [path for path in files if keys[path] not in packed]
    for k, start in enumerate(range(0, len(new), size)):
        samples = (
            (keys[path], {CLIP: path, ".json": (jsonl.row(files[path]) + "\n").encode()})
            for path in new[start : start + size]
        )
        write_shard(folder / SHARD.format(f"{len(shards) + k:06d}"), samples)
    for path in files:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()


def show_filters() -> None:
    """A table of all filters on stdout: bounds, recipes, and whether they can run now."""
    from lipkit.filters.scores import obstacle

    def cells(name: str) -> list[str]:
        bounds = [dict(recipe.filters) for recipe in RECIPES.values()]
        used = [(own.get(name) or "yes") if name in own else "-" for own in bounds]
        problem = obstacle(rules(None, [name])[0])
        now = "yes" if problem is None else problem.message.removeprefix(f"{name} ")
        return [name, FILTERS[name].usual or "-", *used, now, FILTERS[name].says]

    columns = ["filter", "usual", *RECIPES, "now", "what stays"]
    ui.table(columns, [cells(name) for name in FILTERS])
    ui.say("any measure of `lipkit score --list` that needs no reference is a filter, too")


def check_shards(folder: Path, size: int | None, force: bool) -> None:
    """Refuse to make clips anew that lie in shards already."""
    if size and force and any(folder.glob(SHARD.format("*"))):
        raise BadUsage(
            f"{folder} has shards already, and --force would make their clips again",
            hint="use an empty folder, or --skip-existing",
        )
