"""One face through time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.errors import BadUsage
from lipkit.faces import tracks
from lipkit.faces.tracks import Path, Seen, Track, bridge, fill, join, link, rank, runs, smooth
from lipkit.protocols import Face

SHAPE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)


def seen(x: float, y: float = 50, side: float = 40, likeness: float = float("nan")) -> Seen:
    box = np.array([x, y, x + side, y + side], np.float32)
    return Seen(Face(box, box[:2] + SHAPE * side, 0.9), likeness)


def walk(start: float, speed: float, count: int, **more: float) -> list[Seen]:
    return [seen(start + speed * i, **more) for i in range(count)]


def test_two_people_keep_their_tracks_when_detections_swap_order() -> None:
    pairs = zip(walk(10, 1, 20), walk(200, -1, 20), strict=True)
    shot = [list(pair)[:: 1 if i % 2 else -1] for i, pair in enumerate(pairs)]
    found = link(shot, 3)
    assert [len(track.frames) for track in found] == [20, 20]
    for track in found:
        assert np.abs(np.diff(track.boxes[:, 0])).max() == pytest.approx(1)


def test_a_short_gap_is_bridged_and_a_long_one_begins_a_new_track() -> None:
    shot = [
        [s] if not 5 <= i < 8 and not 12 <= i < 18 else [] for i, s in enumerate(walk(0, 1, 25))
    ]
    assert [track.frames[0] for track in link(shot, 3)] == [0, 18]


def test_somebody_elsewhere_is_somebody_else() -> None:
    shot = [[seen(0)], [seen(300)], [seen(301)]]
    assert [track.frames for track in link(shot, 5)] == [[0], [1, 2]]


CROWD = [walk(20, 0, 10, side=30), walk(140, 0, 10, side=60), walk(250, 0, 10, side=90)]
SHOT = [list(row) for row in zip(*CROWD, strict=True)]


@pytest.mark.parametrize(
    ("choice", "x"),
    [
        ("largest", 250),
        ("center", 140),
        ("left", 20),
        ("right", 250),
        ("1", 20),
        ("2", 140),
        ("3", 250),
    ],
)
def test_choices(choice: str, x: float) -> None:
    best = rank(link(SHOT, 2), choice, (340, 200))[0]
    assert best.boxes[0, 0] == x


def test_a_number_too_high_is_nobody_and_zero_is_a_mistake() -> None:
    assert rank(link(SHOT, 2), "4", (340, 200)) == []
    with pytest.raises(BadUsage, match="count from 1"):
        rank(link(SHOT, 2), "0", (340, 200))
    with pytest.raises(BadUsage, match="largest, center"):
        rank(link(SHOT, 2), "nearest", (340, 200))


def test_the_person_asked_for_is_chosen_by_likeness_or_nobody() -> None:
    shot = [[seen(0, likeness=0.5), seen(100, likeness=0.8)], [seen(0), seen(100)]]
    assert rank(link(shot, 2), "like", (200, 200))[0].boxes[0, 0] == 100
    strangers = [[seen(0, likeness=0.1)], [seen(0)]]
    assert rank(link(strangers, 2), "like", (200, 200)) == []


def test_a_passer_by_is_not_the_leftmost_face() -> None:
    shot = [[seen(100)] for _ in range(30)]
    shot[10] = [seen(100), seen(0)]
    assert rank(link(shot, 2), "left", (200, 200))[0].boxes[0, 0] == 100


def test_pieces_of_one_person_are_joined_over_a_long_gap() -> None:
    shot = [[seen(50)] if not 10 <= i < 40 else [] for i in range(60)]
    found = link(shot, 3)
    whole = join(rank(found, "largest", (200, 200)), found)
    assert whole is not None
    assert whole.frames == [*range(10), *range(40, 60)]


def test_gaps_are_filled_on_the_line_and_ends_are_held() -> None:
    track = Track()
    for frame in (2, 3, 6, 20):
        track.add(frame, seen(10.0 * frame))
    path = fill(track, 24, 4)
    assert path.valid.tolist() == [i in (2, 3, 4, 5, 6, 20) for i in range(24)]
    assert path.box[4:6, 0] == pytest.approx([40, 50])
    assert path.box[[0, 1, 7, 12, 14, 19, 23], 0] == pytest.approx([20, 20, 60, 60, 200, 200, 200])
    assert path.score[[3, 4]] == pytest.approx([0.9, 0])


def test_smoothing_does_not_lag() -> None:
    time = np.arange(80)
    face = np.array([[0.0, 0], [200, 0], [90, 200]])
    clean = face + 50 * np.exp(-((time - 40) ** 2) / 60.0)[:, None, None]
    noisy = clean + np.random.default_rng(0).normal(0, 1, clean.shape)
    calm = smooth(noisy, np.ones(80, bool), 9)
    assert np.std(calm - clean) < 0.65 * np.std(noisy - clean)
    shifts = range(-4, 5)
    fits = [-np.abs(np.roll(calm, -k, 0) - clean).mean() for k in shifts]
    assert shifts[int(np.argmax(fits))] == 0


@given(st.integers(3, 30), st.integers(1, 15))
@settings(max_examples=30, deadline=None)
def test_smoothing_keeps_straight_motion(count: int, window: int) -> None:
    line = np.arange(count, dtype=float)[:, None, None] * np.ones((1, 4, 2)) + [
        [[0, 0], [9, 0], [0, 9], [9, 9]]
    ]
    np.testing.assert_allclose(smooth(line, np.ones(count, bool), window), line, atol=1e-8)


def test_smoothing_stops_at_gaps_and_jumps() -> None:
    square = np.array([[0, 0], [40, 0], [0, 40], [40, 40]], float)
    place = np.repeat([0.0, 500.0, 700.0], 10)
    values = square + place[:, None, None]
    valid = np.ones(30, bool)
    valid[20:22] = False
    assert runs(valid, values) == [(0, 10), (10, 20), (22, 30)]
    np.testing.assert_allclose(smooth(values, valid, 9), values)


def still_path(count: int, valid: list[bool], x: float = 10) -> Path:
    rows = [seen(x).face for _ in range(count)]
    return Path(
        np.stack([r.points for r in rows]),
        np.stack([r.box for r in rows]),
        np.ones(count, np.float32),
        np.array(valid),
    )


def test_a_flash_between_two_halves_of_a_shot_is_bridged() -> None:
    path = still_path(9, [True] * 3 + [False] * 2 + [True] * 4)
    path.box[5:] += 1
    bridged, shot = bridge(path, np.array([0, 0, 0, 1, 1, 2, 2, 3, 3]), 4)
    assert bridged.valid.all()
    assert shot.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert np.diff(bridged.box[2:6, 0]) == pytest.approx([1 / 3] * 3, abs=1e-5)


@pytest.mark.parametrize(("gap", "shift"), [(6, 0.0), (2, 60.0)])
def test_long_or_moving_gaps_stay_cuts(gap: int, shift: float) -> None:
    valid = [True] * 3 + [False] * gap + [True] * 3
    path = still_path(len(valid), valid)
    path.box[3 + gap :] += shift
    before = np.repeat([0, 1, 2], [3, gap, 3])
    bridged, shot = bridge(path, before, 4)
    assert bridged.valid.tolist() == valid
    assert shot.tolist() == before.tolist()
    assert tracks.runs(bridged.valid) == [(0, 3), (3 + gap, 6 + gap)]
