"""Filters by name, their bounds, and the papers' sets of them."""

from __future__ import annotations

import math

import pytest

from lipkit.errors import BadUsage
from lipkit.filters.rules import FILTERS, RECIPES, Bound, bound_of, rules


@pytest.mark.parametrize(
    ("text", "better", "expected"),
    [
        ("3", "higher", Bound(low=3)),
        ("3", "lower", Bound(high=3)),
        ("6", "zero", Bound(-6, 6)),
        ("2..4.5", "lower", Bound(2, 4.5)),
        ("2..", "zero", Bound(2, math.inf)),
        ("..7", "higher", Bound(-math.inf, 7)),
    ],
)
def test_bounds_are_numbers_or_ranges(text: str, better: str, expected: Bound) -> None:
    assert bound_of(text, better, "x") == expected  # type: ignore[arg-type]


def test_ends_of_a_bound_pass() -> None:
    assert [Bound(2, 3).holds(value) for value in (1.99, 2, 3, 3.01)] == [False, True, True, False]
    assert (str(Bound(5, 10)), str(Bound(low=3)), str(Bound(high=1))) == ("5..10", "3..", "..1")


def test_latentsync_has_the_papers_thresholds() -> None:
    found = {rule.name: str(rule.bound or "") for rule in rules("latentsync", [])}
    assert found == {
        "readable": "",
        "shots": "2..",
        "length": "5..10",
        "detection": "1..",
        "single_face": "1..",
        "resolution": "256..",
        "sync_conf": "3..",
        "sync_offset": "-6..6",
        "hyperiqa": "40..",
    }
    assert RECIPES["latentsync"].fps == 25


def test_mentor_makes_clips_of_240_frames() -> None:
    (length,) = [rule for rule in rules("mentor", []) if rule.name == "length"]
    assert (length.bound, RECIPES["mentor"].fps) == (Bound(10, 10), 24)


def test_what_is_asked_for_replaces_adds_and_leaves_out() -> None:
    found = rules("latentsync", ["resolution=128", "snr", "hyperiqa=off", "jitter=900"])
    by_name = {rule.name: rule for rule in found}
    assert by_name["resolution"].bound == Bound(low=128)
    assert by_name["resolution"].named
    assert by_name["snr"].bound == Bound(low=10)
    assert "hyperiqa" not in by_name
    assert not by_name["sync_conf"].named
    assert by_name["jitter"].stage == "clip"  # a measure of score's, of which less is better
    assert by_name["jitter"].bound == Bound(high=900)
    assert [rule.name for rule in found][:3] == ["readable", "shots", "length"]


def test_a_recipes_own_bound_is_what_a_bare_name_means() -> None:
    (rule,) = [r for r in rules("mentor", ["single_face"]) if r.name == "single_face"]
    assert rule.bound == Bound(low=0.98)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("resolutoin=3", "did you mean resolution?"),
        ("resolution=big", "give a number"),
        ("length=0", "no length"),
        ("yaw_range", "needs a bound"),
        ("yaw_range=20", "give A..B"),
    ],
)
def test_nonsense_is_refused(asked: str, says: str) -> None:
    with pytest.raises(BadUsage) as problem:
        rules(None, [asked])
    assert says in str(problem.value)


def test_every_filter_has_a_usual_bound() -> None:
    for name, known in FILTERS.items():
        (rule,) = rules(None, [name])
        assert (rule.bound is None) == (known.usual == "")
