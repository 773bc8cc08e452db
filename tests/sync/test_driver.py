"""What the editor is given, and what becomes of what it gives back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.sync.cast import Role
from lipkit.sync.clock import Clock, lay
from lipkit.sync.driver import Performance, in_order, memory, perform
from lipkit.sync.source import Source
from tests.sync.films import Blinker, film, joined, pictures, square, steady, track_for

SIZE = (48, 32)
TIMES = steady(50)
VOICE = np.linspace(0, 1, 32000, dtype=np.float32)
DARK = range(20, 26)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = film(tmp_path_factory.mktemp("film") / "a.mkv", TIMES, SIZE, dark=DARK)
    return Source(path, TIMES, SIZE)


def role(spans: tuple[tuple[Fraction, Fraction], ...] | None = None) -> Role:
    return Role(track_for(TIMES, SIZE, DARK), 3.0, spans)


def clock(seconds: int = 2) -> Clock:
    return lay(TIMES, Fraction(25), Fraction(seconds), "audio")


def test_only_the_edited_region_changes(source: Source) -> None:
    made = joined(perform(source, clock(), Performance(Blinker(), VOICE, [role()])))
    before = pictures(50, SIZE, DARK)
    assert made.shape == before.shape
    assert (made[list(DARK)] == before[list(DARK)]).all()
    x0, y0, x1, y1 = square(track_for(TIMES, SIZE), 0)
    same = (made == before).all(-1)
    assert not same[0, y0:y1, x0:x1].all()
    same[:, y0:y1, x0:x1] = True
    assert same.all()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [1, 7])
def test_neither_chunks_nor_threads_show(
    source: Source, threads: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = joined(perform(source, clock(3), Performance(Blinker(), VOICE, [role()])))
    monkeypatch.setattr("lipkit.sync.source.MOST_FRAMES", size)
    parts = perform(source, clock(3), Performance(Blinker(), VOICE, [role()]), threads=threads)
    assert (joined(parts) == whole).all()
    assert len(whole) == 75


def test_each_speaks_in_his_time_only(source: Source) -> None:
    spans = ((Fraction(0), Fraction(1, 5)), (Fraction(1), Fraction(6, 5)))
    made = joined(perform(source, clock(), Performance(Blinker(), VOICE, [role(spans)])))
    changed = (made != pictures(50, SIZE, DARK)).any((1, 2, 3))
    assert np.flatnonzero(changed).tolist() == [0, 1, 2, 3, 4, 26, 27, 28, 29]


def test_each_speaks_by_a_sound_of_his_own(source: Source) -> None:
    halves = [((Fraction(0), Fraction(1)),), ((Fraction(1), Fraction(2)),)]
    track = track_for(TIMES, SIZE, DARK)
    cast = [Role(track, 3.0, halves[0]), Role(track, 3.0, halves[1], np.flip(VOICE))]
    made = joined(perform(source, clock(), Performance(Blinker(), VOICE, cast)))
    alone = [
        joined(perform(source, clock(), Performance(Blinker(), voice, [role()])))
        for voice in (VOICE, np.flip(VOICE))
    ]
    assert (made[:25] == alone[0][:25]).all()
    assert (made[25:] == alone[1][25:]).all()


def test_one_face_by_two_names_is_edited_once(source: Source) -> None:
    twice = [role(), Role(track_for(TIMES, SIZE, DARK), 40.0)]
    made = joined(perform(source, clock(), Performance(Blinker(), VOICE, twice)))
    once = joined(perform(source, clock(), Performance(Blinker(), VOICE, [role()])))
    assert (made == once).all()


def test_a_window_is_seen_whole(source: Source) -> None:
    class Windowed(Blinker):
        beat = Fraction(16, 25)

        def edit(
            self, frames: np.ndarray, rows: Sequence[int], times: Sequence[Fraction], *rest: object
        ) -> np.ndarray:
            seen.append(list(rows))
            return frames

    seen: list[list[int]] = []
    everywhere = Role(track_for(TIMES, SIZE), 0.0)
    joined(perform(source, clock(), Performance(Windowed(), VOICE, [everywhere])))
    assert seen == [list(range(16)), list(range(16, 32)), list(range(32, 48)), [48, 49]]


def test_an_editor_must_keep_the_shape(source: Source) -> None:
    class Cutter(Blinker):
        def edit(self, frames: np.ndarray, *rest: object) -> np.ndarray:
            return frames[:, 1:]

    with pytest.raises(ValueError, match="blinker changed"):
        joined(perform(source, clock(), Performance(Cutter(), VOICE, [role()])))


def test_results_keep_their_order_and_few_are_under_way() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def things() -> object:
        nonlocal under_way, most
        for k in range(20):
            with lock:
                under_way += 1
                most = max(most, under_way)
            yield k

    def work(k: int) -> int:
        time.sleep(0.002 * (k % 3))
        return k * k

    found = []
    for given, made in in_order(work, things(), 3):
        found.append((given, made))
        with lock:
            under_way -= 1
    assert found == [(k, k * k) for k in range(20)]
    assert most <= 5


def test_memory_grows_with_the_frame_more_than_with_the_length() -> None:
    small = memory(Source(Path("x"), [], (640, 360)), 1000, 2)
    large = memory(Source(Path("x"), [], (3840, 2160)), 1000, 2)
    long = memory(Source(Path("x"), [], (640, 360)), 15000, 2)
    assert small < large < 2 << 30
    assert long < 3 * small
