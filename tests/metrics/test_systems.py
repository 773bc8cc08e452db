from __future__ import annotations

import pytest

from lipkit.metrics.systems import Place, compare, places
from lipkit.protocols import Better, Measure


def pairs(names: list[str], references: list[str | None] | None = None) -> list[tuple[str, str]]:
    return [(place.system, place.clip) for place in places(names, references or [])]


def measure(better: Better) -> Measure:
    return Measure("m", "M", "", better, "")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.mp4"], [("", "a")]),
        (["out/a.mp4", "out/b.mp4"], [("", "a"), ("", "b")]),
        (["x/a.mp4", "y/a.mp4"], [("x", "a"), ("y", "a")]),
        (["/o/x/run/a.mp4", "/o/y/run/a.mkv"], [("x", "run/a"), ("y", "run/a")]),
        # the folder next to the clip, where it is the one that makes clips meet
        (
            ["anna/ours/1.mp4", "anna/base/1.mp4", "bob/ours/2.mp4", "bob/base/2.mp4"],
            [("ours", "anna/1"), ("base", "anna/1"), ("ours", "bob/2"), ("base", "bob/2")],
        ),
        # words of the names
        (
            ["anna_ours.mp4", "anna_base.mp4", "bob_ours.mp4", "bob_base.mp4"],
            [("ours", "anna"), ("base", "anna"), ("ours", "bob"), ("base", "bob")],
        ),
        (
            ["ours-anna-1.mp4", "base-anna-1.mp4", "ours-bob-1.mp4", "base-bob-1.mp4"],
            [("ours", "anna-1"), ("base", "anna-1"), ("ours", "bob-1"), ("base", "bob-1")],
        ),
        # takes are numbered, and different names need not be systems
        (["talk_01.mp4", "talk_02.mp4"], [("", "talk_01"), ("", "talk_02")]),
        (["talk_a.mp4", "talk_b.mp4"], [("", "talk_a"), ("", "talk_b")]),
        (["x/a.mp4", "b.mp4"], [("", "x/a"), ("", "b")]),
    ],
)
def test_systems_are_folders_or_words_that_make_clips_meet(
    names: list[str], expected: list[tuple[str, str]]
) -> None:
    assert pairs(names) == expected


def test_the_same_reference_makes_two_clips_two_systems() -> None:
    names = ["anna_ours.mp4", "anna_base.mp4"]
    assert pairs(names, ["anna.mp4", "anna.mp4"]) == [("ours", "anna"), ("base", "anna")]
    assert pairs(names, [None, None]) == [("", "anna_ours"), ("", "anna_base")]


@pytest.mark.parametrize("name", ["{system}-{clip}.mp4", "{clip}/{system}/x.mp4"])
def test_references_tell_clips_from_systems(name: str) -> None:
    grid = [(system, clip) for system in ("ours", "base") for clip in ("anna", "bob")]
    found = places([name.format(system=s, clip=c) for s, c in grid], [f"{c}.mp4" for _, c in grid])
    assert [place.system for place in found] == [system for system, _ in grid]


def test_folders_of_different_clips_are_systems_unless_there_are_many() -> None:
    assert pairs(["x/a.mp4", "y/b.mp4"]) == [("x", "a"), ("y", "b")]
    many = [f"person{i}/clip{i}.mp4" for i in range(40)]
    assert {place.system for place in places(many)} == {""}
    assert len(set(places(many))) == 40


def test_no_names_give_no_places() -> None:
    assert places([]) == []


def test_a_name_twice_is_one_clip_twice_and_no_system() -> None:
    assert places(["a_x.mp4", "a_x.mp4"]) == [Place("", "a_x")] * 2


@pytest.mark.parametrize(
    ("better", "best"),
    [("higher", {"high"}), ("lower", {"low"}), ("zero", {"low"}), ("real", set()), ("none", set())],
)
def test_the_best_goes_by_direction(better: Better, best: set[str]) -> None:
    values = {"low": {"a": 1.0, "b": -1.0}, "high": {"a": 5.0, "b": 4.0}}
    cells = compare(measure(better), values).cells
    assert {name for name, cell in cells.items() if cell and cell.best} == best


def test_offsets_of_both_signs_are_far_from_zero() -> None:
    values = {"swings": {"a": 5.0, "b": -5.0}, "steady": {"a": 1.0, "b": 1.0}}
    cells = compare(measure("zero"), values).cells
    assert cells["swings"] is not None
    assert cells["swings"].mean == 5
    assert not cells["swings"].best


def test_near_to_real_is_best_where_real_videos_are_there() -> None:
    values = {"GT": {"a": 0.5}, "livelier": {"a": 0.9}, "near": {"a": 0.4}}
    cells = compare(measure("real"), values).cells
    assert [name for name, cell in cells.items() if cell and cell.best] == ["near"]


def test_real_videos_are_not_ranked() -> None:
    values = {"real": {"a": 9.0}, "ours": {"a": 7.0}, "base": {"a": 6.0}}
    cells = compare(measure("higher"), values).cells
    assert [name for name, cell in cells.items() if cell and cell.best] == ["ours"]


def test_means_are_over_the_clips_that_all_systems_have() -> None:
    values = {"picky": {"easy": 9.0}, "brave": {"easy": 9.5, "hard": 2.0}}
    line = compare(measure("higher"), values)
    assert line.cells["brave"] is not None
    assert (line.cells["brave"].mean, line.cells["brave"].best, line.count) == (9.5, True, 1)


def test_systems_with_different_clips_have_no_best() -> None:
    line = compare(measure("higher"), {"x": {"a": 1.0}, "y": {"b": 2.0}})
    assert not line.paired
    assert not any(cell.best for cell in line.cells.values() if cell)


def test_nothing_is_best_where_a_system_lacks_a_value() -> None:
    # The PSNR of a perfect copy is not defined; the next best is not the best.
    line = compare(measure("higher"), {"x": {"a": 40.0}, "y": {"a": 30.0}, "perfect": {}})
    assert line.cells["perfect"] is None
    assert not any(cell.best for cell in line.cells.values() if cell)


def test_nothing_is_best_where_all_are_equal() -> None:
    line = compare(measure("lower"), {"real": {"a": 2.0}, "x": {"a": 0.0}, "y": {"a": 0.0}})
    assert not any(cell.best for cell in line.cells.values() if cell)


def test_systems_that_read_the_same_are_both_best() -> None:
    line = compare(measure("higher"), {"x": {"a": 8.12301}, "y": {"a": 8.12304}, "z": {"a": 8.0}})
    assert [name for name, cell in line.cells.items() if cell and cell.best] == ["x", "y"]


def test_one_system_alone_is_not_the_best() -> None:
    line = compare(measure("higher"), {"x": {"a": 1.0}, "y": {}})
    assert not any(cell.best for cell in line.cells.values() if cell)
