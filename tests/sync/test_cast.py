"""Who speaks when."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadUsage
from lipkit.sync.cast import Part, Role, read_speaker_map, same_face, seconds, speaking
from tests.sync.films import steady, track_for


def test_spans_are_sorted_by_face_and_sound(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    rows = [
        {"start": "1:02.5", "end": 70, "face": "left"},
        {"start": 0, "end": 0.1, "face": "left"},
        {"start": 2, "end": 3, "face": 2, "sound": "ben.wav"},
        {"start": 3, "end": 4, "face": 2},
    ]
    path.write_text(json.dumps(rows), "utf-8")
    assert read_speaker_map(path) == (
        Part("left", ((Fraction(0), Fraction(1, 10)), (Fraction(125, 2), Fraction(70)))),
        Part("2", ((Fraction(2), Fraction(3)),), "ben.wav"),
        Part("2", ((Fraction(3), Fraction(4)),)),
    )


def test_nobody_speaks_by_two_sounds_at_once(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    rows = [{"start": 0, "end": 2, "face": 1}, {"start": 1, "end": 3, "face": 1, "sound": "b.wav"}]
    path.write_text(json.dumps(rows), "utf-8")
    with pytest.raises(BadUsage, match="entry 2 gives 1 two sounds at once"):
        read_speaker_map(path)


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
        ('["left"]', "entry 1 is no span"),
        ('[{"start": 0, "end": 1, "face": 1, "sound": 2}]', "entry 1: sound must be the name"),
        ('[{"start": 0, "end": 1, "face": 1, "sond": "a"}]', "entry 1: unknown sond"),
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


def test_tracks_of_one_face_are_told_from_neighbours() -> None:
    times = steady(3)
    one, missing = track_for(times, (64, 64)), track_for(times, (64, 64), [1])
    aside = replace(one, points=one.points + np.array([30, 0], np.float32))
    near = replace(one, points=one.points + np.array([2, 0], np.float32))
    assert same_face(one, one, 0)
    assert same_face(one, near, 0)
    assert not same_face(one, aside, 0)
    assert not same_face(one, missing, 1)
