"""Which portrait or video goes with which sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from lipkit.commands import _batch
from lipkit.errors import BadInput, BadUsage

Pair = tuple[str, str]


@dataclass(frozen=True)
class Roles:
    """What the first of a pair is, which kinds of files can be the second, and an example."""

    first: str
    sounding: frozenset[str]
    example: str


PORTRAIT = Roles(
    "portrait", frozenset({"audio", "video", "features", "motion"}), "lipkit animate face.jpg a.wav"
)
VIDEO = Roles("video", frozenset({"audio", "features", "motion"}), "lipkit sync talk.mp4 dub.wav")


def pair(
    inputs: Sequence[str],
    files_from: str | None,
    null: bool,
    pairs: str | None,
    roles: Roles = PORTRAIT,
) -> list[Pair]:
    """Pairs of a portrait or a video, as ``roles`` say, and a sound.

    Two inputs are one pair, in that order. More, or one and one of a list, are sorted by what
    their bytes are, and every first meets every sound; a file that is neither counts as a first,
    so that it fails by itself. ``pairs`` names a file of pairs instead.
    """
    if pairs is not None:
        if inputs or files_from:
            raise BadUsage("--pairs and other inputs exclude each other")
        return read_pairs(pairs, roles.first)
    names = _batch.listed(inputs, files_from, null)
    if len(names) < 2:
        raise BadUsage(f"a {roles.first} and a sound are needed", hint=roles.example)
    if len(names) == 2 and not (inputs and files_from):
        return [(names[0], names[1])]
    speech = [name for name in names if sounds(name, roles.sounding)]
    firsts = [name for name in names if name not in set(speech)]
    if not firsts or not speech:
        missing = "sound" if firsts else roles.first
        raise BadUsage(f"no {missing} among {len(names)} inputs")
    return list(product(firsts, speech))


def sounds(name: str, kinds: frozenset[str]) -> bool:
    """Whether the file is of one of the ``kinds`` that can be the sound of a pair."""
    from pathlib import Path

    from lipkit.artifacts.sniff import sniff

    if name == "-":
        raise BadUsage("- stands for one of two inputs only", hint="name files in a batch")
    try:
        return str(sniff(Path(name))) in kinds
    except BadInput:
        return False


def read_pairs(path: str, first: str = "portrait") -> list[Pair]:
    """The pairs in a file: two names with a tab between, or JSON with ``first`` and sound."""
    found: list[Pair] = []
    for number, line in enumerate(_batch.read_names(path, "--pairs"), 1):
        try:
            row = json.loads(line) if line.startswith("{") else line.split("\t")
            one, two = (row[first], row["sound"]) if isinstance(row, dict) else row
        except (ValueError, KeyError):
            raise BadUsage(
                f"--pairs {path}: line {number} is no pair", hint=f"{first}, tab, sound"
            ) from None
        found.append((str(one), str(two)))
    return found
