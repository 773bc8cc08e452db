"""Counts and time stamps, whatever the rate."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipkit.sync.clock import LATITUDE, Clock, durations, lay, onward, pieces
from lipkit.sync.clock import steady as runs
from tests.sync.films import steady

RATES = [Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, 50, Fraction(60000, 1001), 60]
rates = st.sampled_from(RATES).map(Fraction)
gaps = st.lists(st.integers(1, 90).map(lambda n: Fraction(n, 1000)), min_size=1, max_size=60)
seconds = st.integers(1, 8000).map(lambda n: Fraction(n, 1000))
extensions = st.sampled_from(["pingpong", "loop", "hold"])


def uneven(spans: list[Fraction]) -> list[Fraction]:
    return [sum(spans[:k], Fraction(0)) for k in range(len(spans))]


@given(rates, st.integers(1, 90), seconds)
def test_a_video_keeps_its_frames_and_times(fps: Fraction, count: int, sound: Fraction) -> None:
    times = steady(count, fps)
    clock = lay(times, fps, sound, "video")
    assert clock == Clock(tuple(range(count)), tuple(times), count / fps, count)


@given(rates, st.integers(1, 90), seconds, extensions)
def test_sound_rules_to_half_a_frame(
    fps: Fraction, count: int, sound: Fraction, extend: str
) -> None:
    clock = lay(steady(count, fps), fps, sound, "audio", extend)
    assert list(clock.times) == steady(len(clock), fps)
    assert abs(clock.end - sound) <= 1 / fps / 2 or len(clock) == 1
    assert all(0 <= row < count for row in clock.rows)


@given(gaps, seconds, extensions)
def test_uneven_frames_keep_their_lengths(
    spans: list[Fraction], sound: Fraction, extend: str
) -> None:
    times = uneven(spans)
    long = durations(times, Fraction(25))
    clock = lay(times, Fraction(25), sound, "longest", extend)
    assert clock.times[: len(times)] == tuple(times)
    assert clock.end >= sound - max(LATITUDE, *long)
    ends = [*clock.times[1:], clock.end]
    shown = [end - start for start, end in zip(clock.times, ends, strict=True)]
    assert shown == [long[row] for row in clock.rows]


@given(gaps, seconds)
def test_the_shortest_is_no_longer_than_either(spans: list[Fraction], sound: Fraction) -> None:
    times = uneven(spans)
    clock = lay(times, Fraction(25), sound, "shortest")
    assert clock.rows == tuple(range(len(clock)))
    assert clock.times == tuple(times[: len(clock)])
    longest = max(durations(times, Fraction(25)))
    assert clock.end <= sound + longest / 2 or len(clock) == 1


def test_ten_minutes_do_not_drift() -> None:
    fps = Fraction(30000, 1001)
    clock = lay(steady(300, fps), fps, Fraction(600), "audio", "loop")
    assert len(clock) == round(600 * fps)
    assert clock.times[-1] == (len(clock) - 1) / fps


@pytest.mark.parametrize("excess", [0, LATITUDE, LATITUDE + 1])
def test_padding_of_a_codec_is_no_reason_to_extend(excess: Fraction) -> None:
    clock = lay(steady(50), Fraction(25), 2 + Fraction(excess))
    assert (len(clock) > 50) == (excess > LATITUDE)


def test_pictures_go_back_and_forth_without_double_frames() -> None:
    assert list(islice(onward(4, "pingpong"), 9)) == [2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert list(islice(onward(3, "loop"), 5)) == [0, 1, 2, 0, 1]
    assert list(islice(onward(3, "hold"), 3)) == [2, 2, 2]
    assert list(islice(onward(1, "pingpong"), 3)) == [0, 0, 0]


@given(rates, st.integers(1, 200), st.integers(1, 30), st.booleans())
def test_pieces_cover_all_frames_once(fps: Fraction, count: int, size: int, windowed: bool) -> None:
    clock = lay(steady(count, fps), fps, Fraction(1), "video")
    beat = Fraction(16, 25) if windowed else None
    cuts = list(pieces(clock, size, beat))
    assert [k for first, end in cuts for k in range(first, end)] == list(range(count))
    if windowed:
        assert all(
            len({clock.times[k] // Fraction(16, 25) for k in range(first, end)}) == 1
            for first, end in cuts
        )
        assert len(cuts) == clock.times[-1] // Fraction(16, 25) + 1


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_runs_go_by_one_step(rows: list[int]) -> None:
    found = list(runs(rows))
    assert [k for first, end, _ in found for k in range(first, end)] == list(range(len(rows)))
    for first, end, step in found:
        assert rows[first:end] == [rows[first] + step * k for k in range(end - first)]
