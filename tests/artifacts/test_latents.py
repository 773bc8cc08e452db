"""Latents files: written and read in pieces, exact, and refused where they do not fit."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lipkit.artifacts.latents import (
    Coder,
    Latents,
    open_latents_writer,
    read_latents,
    require_coder,
    require_source,
)
from lipkit.artifacts.rows import open_rows_writer, read_around
from lipkit.artifacts.sniff import Kind, sniff
from lipkit.artifacts.summary import summarize
from lipkit.errors import BadInput, WeightsError
from lipkit.faces.geometry import Geometry

SHAPE = (7, 4, 2, 3)
DRAWN = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def geometry(rows: int = 5) -> Geometry:
    return Geometry(
        matrix=np.tile(np.eye(2, 3), (rows, 1, 1)),
        points=np.zeros((rows, 3, 2), np.float32),
        box=np.zeros((rows, 4), np.float32),
        score=np.ones(rows, np.float32),
        valid=np.ones(rows, np.bool_),
        shot=np.zeros(rows, np.int32),
        ticks=np.arange(rows),
        time_base=Fraction(1, 25),
        fps=Fraction(25),
        size=(64, 64),
        frame_size=(320, 240),
        scheme="mediapipe478",
        template="latentsync",
        source="ab" * 32,
    )


LATENTS = Latents(
    content="faces",
    coder=Coder("sd-vae-ft-mse", 0.18215, "cd" * 32),
    model={"family": "latentsync", "name": "tiny"},
    fps=Fraction(25),
    frames=5,
    geometry=geometry(),
    tensors={"starts": np.array([0, 16], np.int64), "flags": np.array([True, False, True])},
    facts={"window": 16},
    sound=b"\x1aE\xdf\xa3 sound",
    provenance={"verb": "sync"},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "l.safetensors"
    with open_latents_writer(made, LATENTS, SHAPE) as append:
        for first in range(0, len(DRAWN), 3):
            append(DRAWN[first : first + 3])
    return made


def test_what_was_written_in_pieces_is_read_in_pieces(path: Path) -> None:
    rows, found = read_latents(path)
    assert rows.shape == SHAPE
    assert np.array_equal(rows.read(2, 6), DRAWN[2:6])
    assert np.array_equal(found.geometry.matrix, LATENTS.geometry.matrix)
    assert found.geometry.source == "ab" * 32
    assert {k: v.tolist() for k, v in found.tensors.items()} == {
        k: v.tolist() for k, v in LATENTS.tensors.items()
    }
    plain = {"geometry": None, "tensors": {}}
    assert replace(found, **plain) == replace(LATENTS, **plain)
    with pytest.raises(IndexError):
        rows.read(6, 8)


def test_other_tools_read_the_same(path: Path) -> None:
    theirs = load_file(path)
    assert np.array_equal(theirs["latents"], DRAWN)
    assert theirs["starts"].tolist() == [0, 16]
    assert theirs["flags"].tolist() == [True, False, True]


def test_the_file_says_what_it_is(path: Path) -> None:
    assert sniff(path) is Kind.LATENTS
    facts = summarize(path)
    assert facts["kind"] == "latents"
    assert facts["header"]["vae"] == {
        "name": "sd-vae-ft-mse", "scale": 0.18215, "digest": "cd" * 32,
    }  # fmt: skip
    assert facts["tensors"]["latents"] == {"dtype": "F32", "shape": list(SHAPE)}
    assert facts["provenance"] == {"verb": "sync"}
    json.dumps(facts)


def test_standard_output_takes_the_same_bytes(path: Path, monkeypatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    with open_latents_writer(None, LATENTS, SHAPE) as append:
        append(DRAWN)
    assert out.getvalue() == path.read_bytes()


def test_half_a_file_never_bears_the_name(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="2 rows of latents, 7 were promised"),
        open_latents_writer(tmp_path / "l", LATENTS, SHAPE) as append,
    ):
        append(DRAWN[:2])
    with (
        pytest.raises(ValueError, match=r"rows \(2, 3\)"),
        open_latents_writer(tmp_path / "l", LATENTS, SHAPE) as append,
    ):
        append(DRAWN[0])
    assert not list(tmp_path.iterdir())


def test_another_source_or_autoencoder_is_refused(path: Path) -> None:
    _, found = read_latents(path)
    require_source(found, "ab" * 32, "talk.mp4", "l")
    require_coder(found, LATENTS.coder, "l")
    with pytest.raises(BadInput, match="not the file that the latents l belong to"):
        require_source(found, "00" * 32, "other.mp4", "l")
    for other in (replace(LATENTS.coder, scale=1.0), replace(LATENTS.coder, digest="ee")):
        with pytest.raises(WeightsError, match=r"l: latents of the autoencoder sd-vae-ft-mse"):
            require_coder(found, other, "l")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"content": "soup"}, "'soup'"),
        ({"fps": "0"}, "damaged latents"),
        ({"frames": 0}, "damaged latents"),
        ({"vae": {"name": "x"}}, "damaged latents header"),
        ({"geometry": {}}, "geometry header is damaged"),
    ],
)
def test_headers_that_make_no_sense_are_refused(
    path: Path, tmp_path: Path, change: dict, says: str
) -> None:
    rows, tensors, header = read_around(path, "latents", "latents")
    bad = tmp_path / "bad"
    with open_rows_writer(
        bad, "latents", "latents", rows.shape, tensors, {**header, **change}
    ) as append:
        append(rows.read(0, len(rows)))
    with pytest.raises(BadInput, match=says):
        read_latents(bad)


def test_other_kinds_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "m"
    with open_rows_writer(other, "motion", "motion", (1, 2), {}, {}) as append:
        append(np.zeros((1, 2)))
    with pytest.raises(BadInput, match="holds motion, not latents"):
        read_latents(other)
    with pytest.raises(BadInput, match="motion without the tensor latents"):
        read_around(other, "motion", "latents")
