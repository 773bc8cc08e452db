"""Tensor files: exact, equal, and checked before they are believed."""

from __future__ import annotations

import io
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lipkit.artifacts.tensors import (
    pack,
    read_header,
    read_table,
    read_tensors,
    unpack,
    write_tensors,
)
from lipkit.errors import BadInput, LipkitError

MOTION = {"motion": np.arange(12, dtype=np.float32).reshape(3, 4)}
HEADER = {"fps": "25", "provenance": {"verb": "animate", "note": "é\n\"'"}}


def forge(path: Path, table: object, body: bytes = b"") -> Path:
    """A safetensors file with any header."""
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


@settings(max_examples=20, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float16, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    )
)
def test_any_array_comes_back(array: np.ndarray) -> None:
    tensors, header = unpack(pack("latents", {"x": array.T}, {"rate": 1}), "x", "latents")
    assert np.array_equal(tensors["x"], array.T, equal_nan=array.dtype.kind == "f")
    assert tensors["x"].dtype == array.dtype
    assert header == {"kind": "latents", "schema": 1, "rate": 1}


def test_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_tensors(path, "motion", MOTION, HEADER)
    tensors, header = read_tensors(path, "motion")
    assert np.array_equal(tensors["motion"], MOTION["motion"])
    assert header == {**HEADER, "kind": "motion", "schema": 1} == read_header(path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_equal_contents_give_equal_bytes() -> None:
    turned = dict(reversed(HEADER.items()))
    assert pack("motion", MOTION, HEADER) == pack("motion", MOTION, turned)


def test_standard_output(monkeypatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    write_tensors(None, "motion", MOTION, HEADER)
    assert out.getvalue() == pack("motion", MOTION, HEADER)


def test_wrong_kind_names_both(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write_tensors(path, "motion", MOTION, HEADER)
    with pytest.raises(BadInput, match=r"m\.safetensors: holds motion, not features"):
        read_tensors(path, "features")


def test_other_schema_names_both(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "m.safetensors"
    monkeypatch.setitem(__import__("lipkit.artifacts.tensors", fromlist=["x"]).SCHEMAS, "motion", 9)
    write_tensors(path, "motion", MOTION, HEADER)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="motion of schema 9, this lipkit reads 1"):
        read_tensors(path)


def test_foreign_safetensors(tmp_path: Path) -> None:
    path = forge(tmp_path / "w", {"__metadata__": {"format": "pt"}})
    with pytest.raises(BadInput, match="but not one of lipkit's; expected motion"):
        read_tensors(path, "motion")
    assert read_table(path) == {"__metadata__": {"format": "pt"}}


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("table", "body", "words"),
    [
        ({"x": ENTRY}, bytes(4), "bytes long, its header declares"),
        ({"x": ENTRY}, bytes(12), "bytes long, its header declares"),
        ({"x": {**ENTRY, "data_offsets": [0, 1 << 60]}}, b"", "does not fill"),
        ({"x": {**ENTRY, "shape": [1 << 60]}}, bytes(8), "does not fill"),
        ({"x": {**ENTRY, "shape": [-1, -2]}}, bytes(8), "not whole numbers"),
        ({"x": {"dtype": "F32"}}, bytes(8), "damaged safetensors header"),
        ([1, 2], b"", "damaged safetensors header"),
        (b"{not json", b"", "damaged safetensors header"),
        (b"[" * 100_000, b"", "damaged safetensors header"),
    ],
)
def test_lies_in_the_header(tmp_path: Path, table, body: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read_tensors(forge(tmp_path / "x", table, body))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"123", (1 << 62).to_bytes(8, "little") + b"{}", pickle.dumps({"a": 1})],
    ids=["empty", "short", "huge", "pickle"],
)
def test_files_of_other_kinds(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(BadInput):
        read_tensors(path)


def test_truncated(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(pack("motion", MOTION, HEADER)[:-5])
    with pytest.raises(BadInput, match="the file broke off or was altered"):
        read_tensors(path)


def test_unwritable(tmp_path: Path) -> None:
    with pytest.raises(LipkitError, match="create it first"):
        write_tensors(tmp_path / "none" / "m", "motion", MOTION, HEADER)


def test_not_a_number_is_no_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack("motion", MOTION, {"score": float("nan")})
