"""Which portrait goes with which sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product

from lipkit.commands import _batch
from lipkit.errors import BadInput, BadUsage

Pair = tuple[str, str]


def pair(
    inputs: Sequence[str], files_from: str | None, null: bool, pairs: str | None
) -> list[Pair]:
    """Pairs of a portrait and a sound.

    Two inputs are one pair, in that order. More are sorted by what their bytes are, and every
    portrait meets every sound; a file that is neither counts as a portrait, so that it fails by
    itself. ``pairs`` names a file of pairs instead.
    """
    if pairs is not None:
        if inputs or files_from:
            raise BadUsage("--pairs and other inputs exclude each other")
        return read_pairs(pairs)
    names = _batch.listed(inputs, files_from, null)
    if len(names) < 2:
        raise BadUsage("a portrait and a sound are needed", hint="lipkit animate face.jpg a.wav")
    if len(names) == 2:
        return [(names[0], names[1])]
    portraits = [name for name in names if not sounds(name)]
    speech = [name for name in names if sounds(name)]
    if not portraits or not speech:
        missing = "sound" if portraits else "portrait"
        raise BadUsage(f"no {missing} among {len(names)} inputs")
    return list(product(portraits, speech))


def sounds(name: str) -> bool:
    """Whether the file is one that can drive a portrait."""
    from pathlib import Path

    from lipkit.artifacts.sniff import Kind, sniff

    if name == "-":
        raise BadUsage("- stands for one of two inputs only", hint="name files in a batch")
    try:
        kind = sniff(Path(name))
    except BadInput:
        return False
    return kind in (Kind.AUDIO, Kind.VIDEO, Kind.FEATURES, Kind.MOTION)


def read_pairs(path: str) -> list[Pair]:
    """The pairs in a file: two names with a tab between, or JSON with portrait and sound."""
    found: list[Pair] = []
    for number, line in enumerate(_batch.read_names(path, null=False), 1):
        try:
            row = json.loads(line) if line.startswith("{") else line.split("\t")
            first, second = (row["portrait"], row["sound"]) if isinstance(row, dict) else row
        except (ValueError, KeyError):
            raise BadUsage(
                f"--pairs {path}: line {number} is no pair", hint="portrait, tab, sound"
            ) from None
        found.append((str(first), str(second)))
    return found
