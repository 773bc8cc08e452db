"""How a file was made: verb, settings, digests of inputs and weights; carried in every header.

A record holds no clock time, no user, no host and no folder, only base names and digests, so equal
inputs give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lipkit import __version__


def digest(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source(name: str, path: str | Path, history: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a record says of one input; ``history`` is the record that the input itself carried."""
    known: dict[str, Any] = {"name": Path(name).name, "sha256": digest(path)}
    return known | ({"history": dict(history)} if history else {})


def record(
    verb: str,
    settings: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]] = (),
    weights: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The record of one run; ``weights`` maps a name to a digest."""
    return {
        "tool": f"lipkit {__version__}",
        "verb": verb,
        "settings": dict(settings),
        "inputs": [dict(i) for i in inputs],
        "weights": dict(weights or {}),
    }


def compact(record: Mapping[str, Any]) -> str:
    """A record as one line of JSON with sorted keys."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
