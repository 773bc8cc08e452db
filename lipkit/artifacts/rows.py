"""Tensors too long for memory: a safetensors file of which one tensor comes and goes in pieces."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from lipkit.artifacts.tensors import KEY, header_text, read_header
from lipkit.errors import BadInput
from lipkit.media.target import open_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

ALIGNMENT = 8  # bytes at a multiple of which the tensors begin


@dataclass(frozen=True)
class Rows:
    """A stored tensor of ``shape (n, ...)``, whose rows are read as they are needed."""

    path: Path
    name: str
    shape: tuple[int, ...]

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, first: int, end: int) -> Array:
        """The rows from ``first`` until before ``end``; IndexError where there are none."""
        if not 0 <= first <= end <= len(self):
            raise IndexError(f"rows {first} to {end} of {len(self)}")
        # Opened anew each time: pages of a mapped file stay in memory as long as it is open.
        with safe_open(self.path, "np") as file:
            return np.asarray(file.get_slice(self.name)[first:end])


def read_around(path: Path, kind: str, name: str) -> tuple[Rows, dict[str, Array], dict[str, Any]]:
    """The tensor ``name`` of a ``kind`` file as rows, all other tensors whole, and the header.

    BadInput for files of another kind, for damaged ones, and where there is no such tensor.
    """
    header = read_header(path, kind)
    try:
        with safe_open(path, "np") as file:
            names = set(file.keys())
            if name not in names:
                raise BadInput(f"{path}: {kind} without the tensor {name}")
            shape = tuple(file.get_slice(name).get_shape())
            others = {other: file.get_tensor(other) for other in sorted(names - {name})}
    except (SafetensorError, TypeError, ValueError) as problem:
        raise BadInput(f"{path}: damaged safetensors file: {problem}") from None
    if not shape:
        raise BadInput(f"{path}: the tensor {name} has no rows")
    return Rows(path, name, shape), others, header


@contextmanager
def open_rows_writer(
    path: Path | None,
    kind: str,
    name: str,
    shape: tuple[int, ...],
    tensors: Mapping[str, Array],
    header: Mapping[str, Any],
) -> Iterator[Callable[[Array], None]]:
    """A function that appends rows ``(r, ...)`` to the tensor ``name`` of a new ``kind`` file.

    ``shape (n, ...)`` is that tensor's, of 32-bit floats; ``tensors`` are the others. The file
    appears whole or not at all; None is standard output. ValueError unless all rows came.
    """
    with (
        open_target(path) if path else nullcontext() as part,
        part.open("wb") if part else nullcontext(sys.stdout.buffer) as out,
    ):
        out.write(preamble(kind, name, shape, tensors, header))
        written = 0

        def append(rows: Array) -> None:
            nonlocal written
            if rows.shape[1:] != shape[1:]:
                raise ValueError(f"rows {rows.shape[1:]} of {name}, not {shape[1:]}")
            written += len(rows)
            out.write(np.ascontiguousarray(rows, np.float32).tobytes())

        yield append
        if written != shape[0]:
            raise ValueError(f"{written} rows of {name}, {shape[0]} were promised")
        for tensor in ordered(tensors).values():
            out.write(tensor.tobytes())
        out.flush()


def preamble(
    kind: str,
    name: str,
    shape: tuple[int, ...],
    tensors: Mapping[str, Array],
    header: Mapping[str, Any],
) -> bytes:
    """A file's bytes before its tensors: the table of contents and its length."""
    end = 4 * math.prod(shape)
    table: dict[str, Any] = {"__metadata__": {KEY: header_text(kind, header)}}
    table[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [0, end]}
    for other, tensor in ordered(tensors).items():
        span = [end, end + tensor.nbytes]
        table[other] = {"dtype": code(tensor), "shape": list(tensor.shape), "data_offsets": span}
        end = span[1]
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def ordered(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Tensors as they follow each other: the widest numbers first, which keeps all aligned."""
    names = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    return {name: np.ascontiguousarray(tensors[name]) for name in names}


def code(tensor: Array) -> str:
    """The type of a tensor's numbers as safetensors names it."""
    if tensor.dtype == np.bool_:
        return "BOOL"
    return f"{tensor.dtype.kind.upper()}{8 * tensor.dtype.itemsize}"
