"""Where weights live: the catalogue of what can be fetched, and the store of what is here.

The store is one folder of safetensors files, each with its config, origin and digest in the header:
``$LIPKIT_WEIGHTS``, else ``$XDG_DATA_HOME/lipkit/weights``, else ``~/.local/share/lipkit/weights``.
What cannot become safetensors, an ONNX or TorchScript graph, is kept as it is with a JSON file of
the same facts beside it. Nothing here imports torch, so that listing is instant.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from lipkit import provenance
from lipkit.artifacts import tensors
from lipkit.errors import BadInput, BadUsage, WeightsError
from lipkit.media.target import open_target
from lipkit.registry import nearest

BLANK = "0" * 64  # stands where the digest will stand


@dataclass(frozen=True)
class WeightSet:
    """Weights that can be had: who made them, under which licence, and what they must be."""

    name: str
    kind: str  # whose they are: an "encoder"'s, a "metric"'s or a "model"'s
    task: str
    files: tuple[str, ...]  # the first holds the weights, the others their settings
    megabytes: int
    licence: str
    module: str = ""  # has adopt(checkpoint, source) -> (tensors, config) in our names
    together: bool = False  # adopt takes the checkpoints of all files, in their order
    keep: str = ""  # the suffix of a file that is kept as it is: ".onnx", ".pt"
    repository: str = ""  # on the Hugging Face hub
    url: str = ""  # of the first file elsewhere
    page: str = ""  # where people get what cannot be fetched by itself
    layers: int = 0
    width: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)  # SHA-256, or how it begins
    known: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # weight sets that it does not work without

    @property
    def path(self) -> Path:
        """Where the store keeps them, whether they are there or not."""
        return folder() / f"{self.name}{self.keep or '.safetensors'}"

    @property
    def present(self) -> bool:
        """Whether they are here."""
        return self.path.is_file()

    @property
    def source(self) -> str:
        """The original file and where it comes from, for people."""
        return f"{Path(self.files[0]).name} of {self.repository or self.url or self.page}"


@cache
def catalogue() -> dict[str, WeightSet]:
    """All weight sets that lipkit knows where to find, by name."""
    found = {}
    for kind in ("encoder", "metric", "model"):
        text = (resources.files("lipkit") / "assets" / f"{kind}s.toml").read_text(encoding="utf-8")
        for name, table in tomllib.loads(text).items():
            plain = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
            found[name] = WeightSet(name=name, kind=kind, **plain)
    return found


def find(name: str) -> WeightSet:
    """The weight set of that name; an unknown one is the user's error and names the nearest."""
    known = catalogue()
    if name not in known:
        guess = nearest(name, list(known))
        hint = f"did you mean {guess}?" if guess else f"known: {', '.join(known)}"
        raise BadUsage(f"no weights {name!r}", hint=hint)
    return known[name]


def with_needs(names: Iterable[str]) -> list[str]:
    """The names, and behind each what it needs, each once."""
    every = [name for given in names for name in (given, *find(given).needs)]
    return list(dict.fromkeys(every))


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
        raise WeightsError(f"the weights {name} are not here ({weights.path})", hint=remedy(name))
    return weights.path


def remedy(name: str) -> str:
    """How to get a weight set, for people: its file, its source and the command."""
    weights = find(name)
    if weights.page:
        return f"get {weights.source} and `lipkit models import FILE --name {name}`"
    hint = f"fetch {weights.source}, {weights.megabytes} MB, by `lipkit models pull {name}`"
    also = "or give --weights" if weights.kind == "encoder" else "or `lipkit models import FILE`"
    return f"{hint}, {also}"


def read_header(path: Path) -> dict[str, Any]:
    """What is known of a weights file in the store: name, config, origin, digest."""
    if path.suffix == ".safetensors":
        with as_weights_error():
            return tensors.read_header(path, "weights")
    try:
        header = json.loads(facts_beside(path).read_text(encoding="utf-8"))
        return {"digest": header["digest"], **header}
    except (OSError, ValueError, TypeError, KeyError):
        raise WeightsError(
            f"{path}: nothing is known of this file", hint="`lipkit models import` takes files in"
        ) from None


def facts_beside(path: Path) -> Path:
    """Where the header of a file lies that has no room for one."""
    return path.with_name(f"{path.name}.json")


@contextmanager
def as_weights_error() -> Iterator[None]:
    """What is wrong with a weights file is no fault of the input."""
    try:
        yield
    except BadInput as problem:
        raise WeightsError(problem.message, hint=problem.hint) from None


def content_digest(path: Path) -> str:
    """SHA-256 of a safetensors file's tensors: names, types, shapes and bytes, not the header."""
    with as_weights_error():
        table = tensors.read_table(path)
    table.pop("__metadata__", None)
    total = hashlib.sha256(json.dumps(table, sort_keys=True).encode())
    with path.open("rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        while block := file.read(1 << 22):
            total.update(block)
    return total.hexdigest()


def digest_of(path: Path) -> str:
    """What a record says of the weights in a file or folder: SHA-256 of the file, or of all."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digests = [provenance.digest(file) for file in files]
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    return digests[0] if len(digests) == 1 else joined


def verify(path: Path) -> str:
    """The digest of a stored file; `WeightsError` if it is not the one that it was written with."""
    expected = read_header(path)["digest"]
    ours = path.suffix == ".safetensors"
    found = content_digest(path) if ours else provenance.digest(path)
    if found != expected:
        raise WeightsError(
            f"{path}: damaged: digest {found[:12]}, expected {expected[:12]}",
            hint="`lipkit models pull --force` fetches it again",
        )
    return found


def store(
    state: Mapping[str, Any],
    path: Path,
    *,
    name: str,
    config: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> str:
    """Write weights in our names with their header, whole or not at all; returns their digest."""
    from safetensors.torch import save_file

    header = {
        "kind": "weights",
        "schema": tensors.SCHEMAS["weights"],
        "name": name,
        "config": dict(config),
        "origin": dict(origin),
        "digest": BLANK,
    }
    contiguous = {key: tensor.contiguous() for key, tensor in state.items()}
    with open_target(path) as part:
        save_file(contiguous, part, {tensors.KEY: json.dumps(header, sort_keys=True)})
        digest = content_digest(part)
        with part.open("r+b") as file:  # the digest takes the place that was kept for it
            length = int.from_bytes(file.read(8), "little")
            file.seek(8 + file.read(length).index(BLANK.encode()))
            file.write(digest.encode())
    return digest


def keep(source: Path, path: Path, *, name: str, origin: Mapping[str, Any]) -> str:
    """Copy a file into the store as it is, its header beside it; returns its SHA-256."""
    digest = provenance.digest(source)
    header = {"kind": "weights", "name": name, "origin": dict(origin), "digest": digest}
    with open_target(path) as part:
        shutil.copyfile(source, part)
    with open_target(facts_beside(path)) as part:
        part.write_text(json.dumps(header, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return digest
