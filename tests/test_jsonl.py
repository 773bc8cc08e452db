"""A row is one line of valid JSON, whatever is in it."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from lipkit.jsonl import finite, row


@pytest.mark.parametrize("name", ["a", "Mädchen.mp4", "new\nline", "\udcff.mp4", '"'])
def test_names_come_back(name: str) -> None:
    line = row({"name": name, "time": Fraction(1, 4)})
    assert "\n" not in line
    assert json.loads(line.encode()) == {"name": name, "time": 0.25}


def test_letters_stay_readable() -> None:
    assert "ä" in row({"name": "ä"})


def test_numbers_that_json_lacks_become_none() -> None:
    facts = {"a": [1.5, float("nan")], "b": {"c": (float("inf"), 2)}, "d": "nan"}
    assert finite(facts) == {"a": [1.5, None], "b": {"c": [None, 2]}, "d": "nan"}
