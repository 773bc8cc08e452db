"""Checkpoints that others made: read without running any code that they may carry."""

from __future__ import annotations

import json
import pickle
import warnings
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lipkit.errors import WeightsError

STATES = ("model_state_dict", "state_dict", "model", "module", "net_recon")  # tensors lie in these
# what torch's unpickler raises over garbage that begins like a torch file
DAMAGE = (RuntimeError, EOFError, OSError, LookupError, ValueError, TypeError, AttributeError)
# What checkpoints hold beside tensors and is harmless: settings of a command line, and paths, which
# are read as paths of no machine.
SETTINGS = [
    Namespace,
    (PurePosixPath, "pathlib.PosixPath"),
    (PurePosixPath, "pathlib._local.PosixPath"),
]
ARRAYS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}
FOLDER = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Checkpoint:
    """Tensors under the names of the file, and what else it says about them."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]
    file: Path


def read_checkpoint(path: str | Path, names: Sequence[str] = FOLDER) -> Checkpoint:
    """The checkpoint in a safetensors file, a torch file or a folder as transformers writes it.

    Of a folder, the first file of ``names`` that is there counts.
    """
    path = Path(path)
    if path.is_dir():
        return read_folder(path, names)
    if not path.is_file():
        raise WeightsError(f"{path}: no such weights")
    with path.open("rb") as file:
        head = file.read(16)
    if len(head) > 8 and head[8:9] == b"{":
        return read_safetensors(path)
    return read_pickle(path)


def read_folder(path: Path, names: Sequence[str]) -> Checkpoint:
    """The checkpoint of a Hugging Face folder, sharded or not, with the configs beside it."""
    config: dict[str, Any] = {}
    for name in ("preprocessor_config.json", "config.json"):
        if (path / name).is_file():
            config |= read_json(path / name)
    shards = sorted(path.glob("model-*-of-*.safetensors"))
    shards = [path / name for name in names if (path / name).is_file()][:1] or shards
    if not shards:
        raise WeightsError(f"{path}: no weights in this folder", hint=f"expected {names[0]}")
    parts = [read_checkpoint(shard) for shard in shards]
    tensors = {name: tensor for part in parts for name, tensor in part.tensors.items()}
    return Checkpoint(tensors, config, shards[0])


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise WeightsError(f"{path}: not JSON") from None
    return content if isinstance(content, dict) else {}


def read_safetensors(path: Path) -> Checkpoint:
    """The tensors of a safetensors file; the JSON in its metadata is the config."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as problem:
        raise WeightsError(f"{path}: damaged weights: {problem}") from None
    header = json.loads(metadata.get("lipkit", "{}"))
    return Checkpoint(tensors, header.get("config", {}), path)


def read_pickle(path: Path) -> Checkpoint:
    """The tensors of a file by torch.save, from which only tensors and plain values are taken.

    A plain pickle of named arrays counts as one.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if not head.startswith((b"PK\x03\x04", b"\x80")):
        raise WeightsError(f"{path}: neither safetensors nor a torch file")
    if head.startswith(b"\x80") and (arrays := read_arrays(path)):
        return Checkpoint(arrays, {}, path)
    try:
        with torch.serialization.safe_globals(SETTINGS), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # a file of another kind
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise WeightsError(
            f"{path}: holds more than tensors, and running what it holds is not safe",
            hint="ask its makers for safetensors",
        ) from None
    except DAMAGE as problem:
        reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise WeightsError(f"{path}: damaged weights: {reason}") from None
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path}: no named tensors in this file")
    plain = {k: vars(v) if isinstance(v, Namespace) else v for k, v in content.items()}
    config = {k: v for k, v in plain.items() if isinstance(v, dict) and k not in STATES}
    inner = next((plain[key] for key in STATES if isinstance(plain.get(key), Mapping)), plain)
    tensors = {name: value for name, value in inner.items() if isinstance(value, Tensor)}
    tensors = tensors or grouped(plain)
    if not tensors:
        raise WeightsError(f"{path}: no named tensors in this file")
    return Checkpoint(tensors, config, path)


class ArrayUnpickler(pickle.Unpickler):
    """Reads arrays and plain values, and calls nothing else that a file may name."""

    def find_class(self, module: str, name: str) -> Any:
        """What a file may name: the few functions that rebuild arrays."""
        if (module.replace("numpy._core", "numpy.core"), name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)


def read_arrays(path: Path) -> dict[str, Tensor] | None:
    """The arrays of a plain pickle; None for torch's own files and for those that hold more."""
    try:
        with path.open("rb") as file:
            content = ArrayUnpickler(file).load()
    except (pickle.UnpicklingError, *DAMAGE):
        return None
    if not isinstance(content, Mapping):
        return None
    return {
        str(name): torch.from_numpy(np.atleast_1d(value).astype(np.float32))
        for name, value in content.items()
        if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiu"
    }


def grouped(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a file that holds several networks, under ``GROUP.NAME``."""
    return {
        f"{group}.{name}": value
        for group, state in content.items()
        if isinstance(state, Mapping)
        for name, value in state.items()
        if isinstance(value, Tensor)
    }
