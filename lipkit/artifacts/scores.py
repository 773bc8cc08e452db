"""Scores as JSON lines: one object a clip, one a set of clips, values at the top for ``jq``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lipkit import jsonl
from lipkit.errors import BadInput, LipkitError
from lipkit.media.target import open_target
from lipkit.protocols import Measure, Score

# What a line says beside its values; no measure may be called so.
FACTS = frozenset({
    "clip", "reference", "audio", "system", "set", "clips", "references", "frames", "fps", "size",
    "duration", "faces", "unreliable", "scores", "key", "lipkit", "status", "error", "exit",
})  # fmt: skip


def row_of(
    facts: Mapping[str, Any], measures: Sequence[Measure], scores: Mapping[str, Score]
) -> dict[str, Any]:
    """The object of one clip or set: ``facts``, the plain values, and everything about them."""
    known = [measure for measure in measures if measure.name in scores]
    values = {measure.name: scores[measure.name].value for measure in known}
    about = {measure.name: describe(measure, scores[measure.name]) for measure in known}
    return {**facts, **values, "scores": about}


def describe(measure: Measure, score: Score) -> dict[str, Any]:
    """What a line says about one value."""
    return {
        "value": score.value,
        "unit": measure.unit,
        "direction": measure.better,
        "frames": score.frames,
        "recipe": measure.recipe,
        "settings": jsonl.finite(score.settings),
        "weights": dict(score.weights) if score.weights else None,
        "reason": score.reason if score.value is None else None,
    }


def scores_in(row: Mapping[str, Any]) -> dict[str, Score]:
    """The scores in an object that ``row_of`` made."""
    return {
        name: Score(
            about["value"], about["frames"], about["reason"], about["settings"], about["weights"]
        )
        for name, about in row.get("scores", {}).items()
    }


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of scores; half a line at its end, of a run that was killed, is left.

    BadInput for files of anything else.
    """
    rows = []
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as problem:
        raise LipkitError(f"{path}: {problem.strerror}") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            if number == len(lines) and not line.endswith(b"\n"):
                break
            row = None
        if not isinstance(row, dict):
            raise BadInput(f"{path}: line {number} is no line of scores", hint="choose another -o")
        rows.append(row)
    return rows


def rewrite(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make ``path`` a file of these rows, whole or not at all."""
    with open_target(path) as part:
        part.write_text("".join(f"{line}\n" for line in lines_of(rows)), encoding="utf-8")


def lines_of(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line each."""
    return map(jsonl.row, rows)


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a file, in one write: a run that is killed leaves whole lines."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(handle, f"{jsonl.row(row)}\n".encode())
    finally:
        os.close(handle)
