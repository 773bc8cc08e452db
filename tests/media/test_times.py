"""Time stamps survive reading and writing exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lipkit.media.probe import probe
from lipkit.media.video import Encode, VideoWriter, frame_times, read_timed_frames
from lipkit.media.writer import common_ticks

RATES = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(50)]
FAST = {
    ".mp4": Encode(preset="ultrafast"),
    ".mkv": Encode(preset="ultrafast"),
    ".webm": Encode(codec="vp9"),
}


def write(path: Path, count: int, **clock: object) -> None:
    frames = np.zeros((count, 48, 64, 3), np.uint8)
    frames += np.arange(count, dtype=np.uint8)[:, None, None, None] * 3
    with VideoWriter(path, size=(64, 48), encode=FAST[path.suffix], **clock) as writer:
        writer.write(frames)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("fps", [*RATES, Fraction(60000, 1001)], ids=str)
def test_constant_rate(tmp_path: Path, suffix: str, fps: Fraction) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, 31, fps=fps)
    assert frame_times(path) == [k / fps for k in range(31)]
    assert probe(path).video.fps == fps
    assert not probe(path).video.variable


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(gaps=st.lists(st.integers(1, 4000), min_size=2, max_size=12), first=st.integers(0, 900))
def test_variable_rate_in_mp4(tmp_path: Path, gaps: list[int], first: int) -> None:
    times = [Fraction(first + sum(gaps[:k]), 30000) for k in range(len(gaps))]
    path = tmp_path / "a.mp4"
    write(path, len(times), times=times)
    assert frame_times(path) == times


def test_variable_rate_in_matroska_keeps_milliseconds(tmp_path: Path) -> None:
    times = [Fraction(k * k * 7, 1000) for k in range(20)]
    write(tmp_path / "a.mkv", 20, times=times)
    assert frame_times(tmp_path / "a.mkv") == times


def test_webm(tmp_path: Path) -> None:
    write(tmp_path / "a.webm", 12, fps=RATES[1])
    assert frame_times(tmp_path / "a.webm") == [k / RATES[1] for k in range(12)]


def test_last_frame_lasts_as_long_as_the_others(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 10, fps=5)
    assert probe(tmp_path / "a.mp4").duration == 2


def test_copy_of_a_variable_video_has_its_times(tmp_path: Path, make) -> None:
    source = make(
        "v.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30:duration=2",
        "-vf", "select='not(mod(n,3))+gt(n,40)'", "-fps_mode", "vfr",
    )  # fmt: skip
    times = frame_times(source)
    assert probe(source).video.variable
    assert len({b - a for a, b in pairwise(times)}) > 1
    copy = tmp_path / "copy.mp4"
    with VideoWriter(copy, size=(64, 48), times=times, encode=FAST[".mp4"]) as writer:
        for part in read_timed_frames(source, chunk=7):
            writer.write(part.frames)
    assert frame_times(copy) == times


def test_one_decoding_gives_the_same_times(talk: Path) -> None:
    parts = list(read_timed_frames(talk, chunk=10))
    assert [len(p.frames) for p in parts] == [10, 10, 5]
    assert [t for p in parts for t in p.times] == frame_times(talk)


@pytest.mark.parametrize("offset", [0, 0.5, 30])
def test_broadcast_clock_starts_at_nought(make, talk: Path, offset: float) -> None:
    stream = make("a.ts", "-i", str(talk), "-c", "copy", "-output_ts_offset", str(offset))
    assert probe(stream).start > offset
    times = frame_times(stream)
    assert 0 <= times[0] < Fraction(1, 10)
    assert len(times) == 25
    later = list(read_timed_frames(stream, start=times[10]))
    assert [t for part in later for t in part.times] == times[10:]


def test_late_picture_stays_late(make, talk: Path) -> None:
    late = make("l.mp4", "-itsoffset", "0.5", "-i", str(talk), "-c:v", "copy", "-an")
    assert frame_times(late)[0] == Fraction(1, 2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("start", "end"), [(0.5, 1.7), (Fraction(4, 3), 2), (0, 0.001), (2.5, None), (9, None), (2, 1)]
)
def test_range(make, suffix: str, start, end) -> None:
    path = make(
        f"a.{suffix}", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30000/1001:duration=3",
        "-c:v", "libx264", "-g", "12", "-preset", "ultrafast",
    )  # fmt: skip
    every = frame_times(path)
    wanted = [t for t in every if start <= t and (end is None or t < end)]
    parts = list(read_timed_frames(path, start=start, end=end))
    assert [t for p in parts for t in p.times] == wanted


@given(st.lists(st.fractions(0, 100, max_denominator=300), min_size=1, max_size=5))
def test_common_ticks_hold_every_time(times: list[Fraction]) -> None:
    ticks = common_ticks(times)
    assert ticks == 90_000 or all((t * ticks).denominator == 1 for t in times)


def test_more_frames_than_times_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more frames than times"):
        write(tmp_path / "a.mp4", 3, times=[Fraction(0), Fraction(1)])
    assert list(tmp_path.iterdir()) == []
