"""Who speaks when."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from lipkit.errors import BadUsage
from lipkit.sync.cast import Role, read_speaker_map, seconds, speaking
from tests.sync.films import steady, track_for


def test_spans_are_sorted_by_face(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    rows = [
        {"start": "1:02.5", "end": 70, "face": "left"},
        {"start": 0, "end": 0.1, "face": "left"},
        {"start": 2, "end": 3, "face": 2},
    ]
    path.write_text(json.dumps(rows), "utf-8")
    assert read_speaker_map(path) == {
        "left": ((Fraction(0), Fraction(1, 10)), (Fraction(125, 2), Fraction(70))),
        "2": ((Fraction(2), Fraction(3)),),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense", "not JSON"),
        ("[]", "no list of spans"),
        ('{"start": 1}', "no list of spans"),
        ('[{"start": 0, "end": 1}]', "entry 1 is no span"),
        ('[{"start": 0, "end": true, "face": "left"}]', "entry 1 is no span"),
        ('[{"start": 2, "end": "1", "face": "left"}]', "entry 1 ends before it starts"),
        ('[{"start": -1, "end": "1", "face": "left"}]', "entry 1 is no span"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "map.json"
    path.write_text(text, "utf-8")
    with pytest.raises(BadUsage, match=complaint):
        read_speaker_map(path)
    with pytest.raises(BadUsage, match="No such file"):
        read_speaker_map(tmp_path / "none.json")


def test_times_are_exact() -> None:
    assert seconds("1:00:02.04") == 3602 + Fraction(1, 25)
    assert seconds(0.1) == Fraction(1, 10)


def test_a_role_speaks_where_it_is_seen_in_its_time() -> None:
    times = steady(50)
    track = track_for(times, (48, 32), [3])
    always = Role(track, None)
    once = Role(track, None, ((Fraction(2, 25), Fraction(5, 25)),))
    assert speaking(always, [2, 3, 4], times[2:5]) == [0, 2]
    assert speaking(once, [1, 2, 3, 4, 5], times[1:6]) == [1, 3]
    assert speaking(once, [40, 41], times[2:4]) == [0, 1]
