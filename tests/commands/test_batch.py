"""Items, outputs and what becomes of them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lipkit.commands import _batch
from lipkit.commands._batch import Item
from lipkit.errors import BadInput, BadUsage, ExitStatus, LipkitError


def copy(item: Item) -> dict[str, Any]:
    """Work that copies its input; an input that says "bad" cannot be used."""
    text = Path(item.inputs[0]).read_text()
    if text == "bad":
        raise BadInput(f"{item.inputs[0]}: bad")
    Path(item.output).write_text(text)
    return {"length": len(text)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("a b.txt", "one"), ("-c.txt", "three"), ("d\n'$(x).txt", "bad")):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    (tmp_path / "in" / ".hidden").write_text("no")
    return tmp_path


def plan(folder: Path, names: list[str], **options: Any) -> _batch.Plan:
    groups = [(name,) for name in _batch.listed(names, None, False)]
    options = {"output": None, "out_dir": str(folder / "out"), "suffix": ".out"} | options
    return _batch.plan(groups, **options)


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_bad_item_never_stops_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    status = _batch.execute(plan(folder, [str(folder / "in")], jobs=jobs), copy)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == ExitStatus.PARTIAL
    assert sorted(row["status"] for row in rows) == ["failed", "ok", "ok"]
    assert {r["exit"] for r in rows if r["status"] == "failed"} == {ExitStatus.BAD_INPUT}
    assert (folder / "out" / "a b.out").read_text() == "one"
    assert sum(row.get("length", 0) for row in rows) == 8


def test_nothing_but_failures_is_a_failure(folder: Path) -> None:
    bad = str(folder / "in" / "d\n'$(x).txt")
    assert _batch.execute(plan(folder, [bad]), copy) == ExitStatus.FAILED


def test_finished_items_are_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(folder / "in" / "a b.txt")]
    _batch.execute(plan(folder, names), copy)
    (folder / "in" / "a b.txt").write_text("changed")
    _batch.execute(plan(folder, names, skip_existing=True), copy)
    assert (folder / "out" / "a b.out").read_text() == "one"
    _batch.execute(plan(folder, names), copy)
    assert (folder / "out" / "a b.out").read_text() == "one"
    _batch.execute(plan(folder, names, force=True), copy)
    assert (folder / "out" / "a b.out").read_text() == "changed"
    states = [json.loads(x)["status"] for x in capsys.readouterr().out.splitlines()]
    assert states == ["ok", "skipped", "failed", "ok"]


def test_a_single_item_fails_as_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = [str(folder / "in" / "d\n'$(x).txt")]
    single = plan(folder, bad, output=str(folder / "one.out"), out_dir=None)
    with pytest.raises(BadInput):
        _batch.execute(single, copy)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"out_dir": None}, BadUsage),
        ({"output": "x", "out_dir": "y"}, BadUsage),
        ({"output": "nowhere/x.out", "out_dir": None}, LipkitError),
        ({"output": ".", "out_dir": None}, BadUsage),
    ],
)
def test_impossible_outputs_are_refused_first(
    folder: Path, options: dict[str, Any], error: type[LipkitError]
) -> None:
    with pytest.raises(error):
        plan(folder, [str(folder / "in" / "a b.txt")], **options)


def test_existing_output_needs_force(folder: Path) -> None:
    (folder / "x.out").write_text("old")
    options = {"output": str(folder / "x.out"), "out_dir": None}
    with pytest.raises(BadUsage, match="--force"):
        plan(folder, [str(folder / "in" / "a b.txt")], **options)
    _batch.execute(plan(folder, [str(folder / "in" / "a b.txt")], force=True, **options), copy)
    assert (folder / "x.out").read_text() == "one"


def test_two_inputs_of_one_name_clash(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "a b.txt").write_text("two")
    with pytest.raises(BadUsage, match="both become"):
        plan(folder, [str(folder / "in" / "a b.txt"), str(folder / "other" / "a b.txt")])


def test_binary_never_goes_to_a_terminal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(BadUsage, match="terminal"):
        plan(folder, [str(folder / "in" / "a b.txt")], output="-", out_dir=None)


@pytest.mark.parametrize("null", [False, True])
def test_names_come_from_a_file_byte_for_byte(tmp_path: Path, null: bool) -> None:
    names = [b"plain", b"with space", b"caf\xe9", "snö".encode()]
    listing = tmp_path / "names"
    listing.write_bytes((b"\0" if null else b"\n").join(names) + (b"\0" if null else b"\n"))
    found = _batch.listed(["first"], str(listing), null)
    assert [os.fsencode(name) for name in found] == [b"first", *names]
