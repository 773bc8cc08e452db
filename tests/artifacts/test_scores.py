"""Lines of scores: flat values, whole lines, and what a killed run leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lipkit.artifacts import scores
from lipkit.errors import BadInput
from lipkit.protocols import Measure, Score

SHARP = Measure("sharp", "Sharpness", "levels", "higher", "variance")
LOUD = Measure("loud", "Loudness", "dB", "none", "RMS")


def test_values_are_flat_and_all_about_them_is_beside() -> None:
    found = {
        "sharp": Score(
            2.5, 10, settings={"side": 256}, weights={"net.pt": "ab"}, curves={"c": [1]}
        ),
        "loud": Score(None, reason="no sound"),
    }
    row = scores.row_of({"clip": "a.mp4"}, [SHARP, LOUD], found)
    assert (row["clip"], row["sharp"], row["loud"]) == ("a.mp4", 2.5, None)
    assert row["scores"]["sharp"] == {
        "value": 2.5, "unit": "levels", "direction": "higher", "frames": 10, "recipe": "variance",
        "settings": {"side": 256}, "weights": {"net.pt": "ab"}, "reason": None,
    }  # fmt: skip
    assert row["scores"]["loud"]["reason"] == "no sound"
    again = scores.scores_in(json.loads(json.dumps(row)))
    assert again["sharp"] == Score(2.5, 10, None, {"side": 256}, {"net.pt": "ab"})


def test_half_a_line_at_the_end_is_left(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    scores.rewrite(path, [{"clip": "a"}])
    scores.append(path, {"clip": "b \udcff"})
    with path.open("ab") as file:
        file.write(b'{"clip": "c')
    assert [row["clip"] for row in scores.read_rows(path)] == ["a", "b \udcff"]


@pytest.mark.parametrize("content", ["hello\n", '{"clip": 1}\n[1]\n', '{"a": 1}\nx\n{"b": 2}\n'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "other").write_text(content)
    with pytest.raises(BadInput, match="is no line of scores"):
        scores.read_rows(tmp_path / "other")
