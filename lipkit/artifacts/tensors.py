"""Tensors with a JSON header in one safetensors file: features, latents, motion, geometry, weights.

The header lies under the metadata key ``lipkit`` and always holds ``kind`` and ``schema``. A file
is believed only after its declared sizes agree with its length; nothing in it is ever executed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lipkit.errors import BadInput
from lipkit.media.source import check_source
from lipkit.media.target import open_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.generic]]

KEY = "lipkit"
# Raised when a reader of the old layout would misread the new one.
SCHEMAS = {"features": 1, "latents": 1, "motion": 1, "geometry": 1, "weights": 1, "edits": 1}
SCHEMAS |= {"contribution": 1}  # what a set metric keeps of a clip
MAX_HEADER_BYTES = 100 << 20
_ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "I16": 16, "F16": 16,
    "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def write_tensors(
    path: Path | None, kind: str, tensors: Tensors, header: Mapping[str, Any]
) -> None:
    """Write a ``kind`` file, which appears whole or not at all; None is standard output."""
    data = pack(kind, tensors, header)
    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with open_target(path) as part:
        part.write_bytes(data)


def pack(kind: str, tensors: Tensors, header: Mapping[str, Any]) -> bytes:
    """The bytes of a ``kind`` file; equal contents give equal bytes."""
    import numpy as np
    from safetensors.numpy import save

    # safetensors stores memory as it lies: a transposed view would come out scrambled.
    ordered = {name: np.asarray(t, order="C") for name, t in tensors.items()}
    return save(ordered, {KEY: header_text(kind, header)})


def header_text(kind: str, header: Mapping[str, Any]) -> str:
    """The JSON header of a ``kind`` file as it lies in the file."""
    full = {**header, "kind": kind, "schema": SCHEMAS[kind]}
    return json.dumps(full, sort_keys=True, ensure_ascii=False, allow_nan=False)


def read_tensors(
    path: Path, kind: str | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Tensors and header of a file written by ``write_tensors``; BadInput unless it is ``kind``."""
    header = read_header(path, kind)
    return _load(path.read_bytes(), str(path)), header


def unpack(
    data: bytes, name: str, kind: str | None = None
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What ``read_tensors`` gives, from bytes that lie in the file ``name``."""
    table = _table(data[:8], data[8:], len(data), name)
    return _load(data, name), _own_header(table, name, kind)


def read_header(path: Path, kind: str | None = None) -> dict[str, Any]:
    """The JSON header alone; BadInput for other files, kinds and schemas, naming both values."""
    return _own_header(read_table(path), str(path), kind)


def read_table(path: Path) -> dict[str, Any]:
    """The checked safetensors table of contents: name to dtype, shape, offsets; ``__metadata__``.

    BadInput if the file is no safetensors file, breaks off, or declares sizes it does not have.
    """
    check_source(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > min(MAX_HEADER_BYTES, size - 8):
            raise BadInput(f"{path}: not a safetensors file, or one that breaks off")
        return _table(prefix, file.read(length), size, str(path))


def _table(prefix: bytes, rest: bytes, size: int, name: str) -> dict[str, Any]:
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > len(rest):
        raise BadInput(f"{name}: not a safetensors file, or one that breaks off")
    try:
        table = json.loads(rest[:length])
        if not isinstance(table, dict):
            raise TypeError("not a table")
        end = max([0, *(_end(entry) for key, entry in table.items() if key != "__metadata__")])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadInput(f"{name}: damaged safetensors header: {error}") from error
    if 8 + length + end != size:
        raise BadInput(
            f"{name}: {size} bytes long, its header declares {8 + length + end}",
            hint="the file broke off or was altered",
        )
    return table


def _end(entry: Mapping[str, Any]) -> int:
    """Where a tensor ends; ValueError unless its shape and type fill exactly its span."""
    begin, end = entry["data_offsets"]
    shape = entry["shape"]
    if any(not isinstance(n, int) or n < 0 for n in (begin, end, *shape)):
        raise ValueError("sizes are not whole numbers")
    bits = _ITEM_BITS.get(entry["dtype"])
    if bits is not None and math.prod(shape) * bits != 8 * (end - begin):
        raise ValueError(f"shape {shape} of {entry['dtype']} does not fill {end - begin} bytes")
    return int(end)


def _own_header(table: Mapping[str, Any], name: str, kind: str | None) -> dict[str, Any]:
    try:
        header = json.loads(table["__metadata__"][KEY])
        found, schema = str(header["kind"]), header["schema"]
    except (KeyError, TypeError, ValueError):
        raise BadInput(
            f"{name}: a safetensors file, but not one of lipkit's",
            hint=f"expected {kind}" if kind else None,
        ) from None
    if kind is not None and found != kind:
        raise BadInput(f"{name}: holds {found}, not {kind}")
    if schema != SCHEMAS.get(found):
        raise BadInput(
            f"{name}: {found} of schema {schema}, this lipkit reads {SCHEMAS.get(found)}",
            hint="make it anew, or use the lipkit that made it",
        )
    assert isinstance(header, dict)
    return header


def _load(data: bytes, name: str) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{name}: damaged safetensors file: {error}") from error
