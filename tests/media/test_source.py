"""Input from files and standard input; output that appears whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from lipkit.errors import BadInput, BadUsage, LipkitError
from lipkit.media.source import open_source
from lipkit.media.target import open_target


class Stdin(io.TextIOWrapper):
    """Standard input holding given bytes, a terminal or not."""

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def test_standard_input_is_spooled_and_removed(monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"\x00\xffdata"))
    with open_source("-") as path:
        assert path.read_bytes() == b"\x00\xffdata"
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("stdin", "kind", "words"),
    [
        (Stdin(b""), BadInput, "standard input: empty"),
        (Stdin(b"x", terminal=True), BadUsage, "standard input is a terminal"),
    ],
)
def test_unusable_standard_input(monkeypatch, stdin, kind, words: str) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(kind, match=words), open_source("-"):
        pass


@pytest.mark.parametrize(
    ("name", "words"), [("none", "none: no such file"), ("", "folder"), ("empty", "empty file")]
)
def test_unusable_file(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(BadInput, match=words), open_source(str(tmp_path / name)):
        pass


def test_target_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with open_target(target) as part:
        part.write_bytes(b"1")
        assert part.parent == tmp_path
        assert not target.exists()
    assert target.read_bytes() == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    with open_target(tmp_path / "a") as part:
        part.write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_failure_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def fail() -> None:
        with open_target(target) as part:
            part.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_longest_name(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".bin")
    with open_target(target) as part:
        part.write_bytes(b"1")
    assert target.exists()


def test_missing_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(LipkitError, match=r"a\.bin: no folder .*none; create it first"),
        open_target(tmp_path / "none" / "a.bin"),
    ):
        pass


def test_folder_as_target(tmp_path: Path) -> None:
    with pytest.raises(LipkitError, match="is a folder"), open_target(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LipkitError, match="cannot write into"), open_target(tmp_path / "a"):
        pass
