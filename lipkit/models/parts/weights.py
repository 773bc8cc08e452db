"""Where weights live: the catalogue of what can be fetched, and the store of what is here.

The store is one folder of safetensors files, each with its config, origin and digest in the header:
``$LIPKIT_WEIGHTS``, else ``$XDG_DATA_HOME/lipkit/weights``, else ``~/.local/share/lipkit/weights``.
Nothing here imports torch, so that listing is instant.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO

from lipkit.errors import BadUsage, WeightsError
from lipkit.registry import nearest

SCHEMA = 1
HEADER_LIMIT = 64 << 20  # bytes of a safetensors header; a larger one is no header


@dataclass(frozen=True)
class WeightSet:
    """Weights that can be fetched: who made them, under which licence, and what they must be."""

    name: str
    task: str
    module: str  # has adopt(checkpoint, source) -> (tensors, config) in our names
    repository: str
    files: tuple[str, ...]
    megabytes: int
    licence: str
    layers: int
    width: int
    digests: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the store keeps them, whether they are there or not."""
        return folder() / f"{self.name}.safetensors"

    @property
    def present(self) -> bool:
        """Whether they are here."""
        return self.path.is_file()


@cache
def catalogue() -> dict[str, WeightSet]:
    """All weight sets that lipkit knows where to find, by name."""
    text = (resources.files("lipkit") / "assets" / "encoders.toml").read_text(encoding="utf-8")
    return {
        name: WeightSet(
            name=name, **{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
        )
        for name, table in tomllib.loads(text).items()
    }


def find(name: str) -> WeightSet:
    """The weight set of that name; an unknown one is the user's error and names the nearest."""
    known = catalogue()
    if name not in known:
        guess = nearest(name, list(known))
        hint = f"did you mean {guess}?" if guess else f"known: {', '.join(known)}"
        raise BadUsage(f"no weights {name!r}", hint=hint)
    return known[name]


def folder() -> Path:
    """The folder of the store; it need not exist yet."""
    if chosen := os.environ.get("LIPKIT_WEIGHTS"):
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "lipkit" / "weights"


def locate(name: str) -> Path:
    """The stored file of a weight set; `WeightsError` says how to get it where it is missing."""
    weights = find(name)
    if not weights.present:
        raise WeightsError(
            f"the weights of {name} are not here ({weights.path})",
            hint=f"fetch {weights.megabytes} MB by `lipkit models pull {name}`, or give --weights",
        )
    return weights.path


def read_header(path: Path) -> dict[str, Any]:
    """What a weights file of ours says of itself: name, config, origin, digest."""
    with path.open("rb") as file:
        table = read_table(file, path)
    try:
        header = json.loads(table.get("__metadata__", {})["lipkit"])
    except (KeyError, ValueError):
        raise WeightsError(f"{path}: no weights file of lipkit", hint="models import it") from None
    if header.get("schema") != SCHEMA:
        raise WeightsError(f"{path}: weights of schema {header.get('schema')}, expected {SCHEMA}")
    return dict(header)


def read_table(file: BinaryIO, path: Path) -> dict[str, Any]:
    """The table at the head of a safetensors file; leaves the file at its first tensor."""
    size = int.from_bytes(file.read(8), "little")
    if size > min(HEADER_LIMIT, path.stat().st_size):
        raise WeightsError(f"{path}: damaged or no safetensors")
    try:
        table: dict[str, Any] = json.loads(file.read(size))
    except ValueError:
        raise WeightsError(f"{path}: damaged or no safetensors") from None
    return table


def content_digest(path: Path) -> str:
    """SHA-256 of a safetensors file's tensors: names, types, shapes, bytes, not the header."""
    with path.open("rb") as file:
        table = read_table(file, path)
        table.pop("__metadata__", None)
        total = hashlib.sha256(json.dumps(table, sort_keys=True).encode())
        while block := file.read(1 << 22):
            total.update(block)
    return total.hexdigest()


def verify(path: Path) -> str:
    """The digest of a stored file; `WeightsError` if it is not the one that it was written with."""
    expected, found = read_header(path)["digest"], content_digest(path)
    if found != expected:
        raise WeightsError(
            f"{path}: damaged: digest {found[:12]}, expected {expected[:12]}",
            hint="`lipkit models pull --force` fetches it again",
        )
    return found


def store(
    tensors: Mapping[str, Any],
    path: Path,
    *,
    name: str,
    config: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> str:
    """Write weights in our names, with their header, under a final name only once whole.

    Returns their digest.
    """
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    header = {
        "kind": "weights",
        "schema": SCHEMA,
        "name": name,
        "config": dict(config),
        "origin": dict(origin),
        "digest": "0" * 64,
    }
    contiguous = {key: tensor.contiguous() for key, tensor in tensors.items()}
    try:
        save_file(contiguous, part, {"lipkit": json.dumps(header, sort_keys=True)})
        header["digest"] = content_digest(part)
        enter_digest(part, header["digest"])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return str(header["digest"])


def enter_digest(path: Path, digest: str) -> None:
    """Put the digest in the place that the header keeps for it, of the same length."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        place = file.read(size).index(b"0" * 64)
        file.seek(8 + place)
        file.write(digest.encode())
