"""The commands in the documents are commands that exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lipkit.cli import VERBS, lipkit

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str) -> Iterator[str]:
    yield from re.findall(r"```(?:sh|console|)\n(.*?)```", text, flags=re.DOTALL)


def commands(script: str) -> Iterator[list[str]]:
    """Argument lists of every lipkit call in a shell script, comments left out."""
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "lipkit" in words:
            words = words[words.index("lipkit") + 1 :]
            ends = [words.index(w) for w in ("|", "&&", ";", "||", ">", "2>") if w in words]
            yield words[: min(ends, default=len(words))]


def documented() -> list[list[str]]:
    found = [c for d in DOCUMENTS for b in blocks(d.read_text("utf-8")) for c in commands(b)]
    examples = tomllib.loads((ROOT / "man" / "examples.toml").read_text("utf-8"))
    return found + [c for rows in examples.values() for row in rows for c in commands(row["run"])]


@pytest.mark.parametrize("arguments", documented(), ids=" ".join)
def test_documented_commands_parse(arguments: list[str]) -> None:
    if not arguments or arguments[0].startswith("-"):
        return
    verb, *rest = arguments
    command = lipkit.get_command(click.Context(lipkit), verb)
    assert command is not None, verb
    while isinstance(command, click.Group) and rest:
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_parser(click.Context(command)).parse_args(list(rest))


def test_every_verb_is_documented() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert not [verb for verb in VERBS if f"`{verb}`" not in text]
