"""Man pages and completions are what the command tree says today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(folder: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{folder}_build", ROOT / folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("folder", "maker"), [("man", "pages"), ("completions", "scripts")])
def test_committed_files_are_fresh(folder: str, maker: str) -> None:
    for name, text in getattr(script(folder), maker)().items():
        committed = (ROOT / folder / name).read_text(encoding="utf-8")
        assert committed.strip() == text.strip(), f"run `make generated`: {folder}/{name} is old"


def test_no_page_is_left_over() -> None:
    assert {p.name for p in (ROOT / "man").glob("*.1")} == set(script("man").pages())
