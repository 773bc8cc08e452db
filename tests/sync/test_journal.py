"""A run that broke off and went on makes what an unbroken one makes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces.geometry import Geometry, ticks
from lipkit.sync.cast import Role
from lipkit.sync.clock import lay
from lipkit.sync.driver import Performance, perform
from lipkit.sync.journal import Journal, WorkFolder, changed, settings_hash
from lipkit.sync.source import Source
from tests.sync.films import Blinker, film, joined, pictures, steady, track_for

SIZE = (48, 32)
TIMES = steady(60)
VOICE = np.linspace(0, 1, 48000, dtype=np.float32)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(film(tmp_path / "a.mkv", TIMES, SIZE), TIMES, SIZE)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("stop", [1, 17, 40, 60])
def test_resumed_equals_unbroken(source: Source, tmp_path: Path, stop: int, threads: int) -> None:
    clock = lay(TIMES, Fraction(25), Fraction(3), "audio")
    cast = [Role(track_for(TIMES, SIZE, range(30, 36)), 3.0)]
    unbroken = joined(perform(source, clock, Performance(Blinker(), VOICE, cast)))
    folder = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt):
        joined(perform(source, clock, Performance(Blinker(stop), VOICE, cast),
                       threads=threads, journal=Journal(folder)))  # fmt: skip
    editor = Blinker()
    resumed = perform(
        source, clock, Performance(editor, VOICE, cast), threads=threads, journal=Journal(folder)
    )
    assert (joined(resumed) == unbroken).all()
    assert editor.edits <= len(clock) - max(0, stop // source.chunk - threads) * source.chunk
    again = Blinker()
    replay = perform(source, clock, Performance(again, VOICE, cast), journal=Journal(folder))
    assert (joined(replay) == unbroken).all()
    assert again.edits == 0


def test_a_journal_keeps_only_what_changed(tmp_path: Path) -> None:
    frames = pictures(4, SIZE).astype(np.uint16) * 200
    made = frames.copy()
    made[1, 5:9, 7:20] += 1
    made[3, 31, 47, 2] = 65535
    write(tmp_path, frames, made)
    assert (Journal(tmp_path).apply(0, frames) == made).all()
    assert (Journal(tmp_path).apply(1, frames[1:3]) == made[1:3]).all()
    assert next(iter(tmp_path.iterdir())).stat().st_size < 2000
    assert changed(frames[1], made[1]) == (7, 5, 20, 9)
    assert changed(frames[0], made[0]) == (0, 0, 0, 0)


def write(folder: Path, frames: np.ndarray, made: np.ndarray) -> None:
    journal = Journal(folder)
    journal.keep(0, frames, made)
    journal.flush()


def test_a_journal_knows_what_it_holds(tmp_path: Path) -> None:
    frames = pictures(4, SIZE)
    assert not Journal(tmp_path / "none").holds(0, 1)
    write(tmp_path, frames, frames)
    journal = Journal(tmp_path)
    assert journal.holds(0, 4)
    assert journal.holds(2, 4)
    assert not journal.holds(3, 5)
    with pytest.raises(BadInput, match="of another video"):
        journal.apply(0, frames.astype(np.uint16))
    next(tmp_path.iterdir()).write_bytes(b"broken off")
    assert not Journal(tmp_path).holds(0, 1)


def test_tracked_faces_are_kept(tmp_path: Path) -> None:
    beat, base = ticks(TIMES)
    count = len(TIMES)
    geometry = Geometry(
        matrix=np.zeros((count, 2, 3)), points=np.ones((count, 5, 2), np.float32),
        box=np.ones((count, 4), np.float32), score=np.ones(count, np.float32),
        valid=np.ones(count, np.bool_), shot=np.zeros(count, np.int32), ticks=beat,
        time_base=base, fps=Fraction(25), size=(8, 8), frame_size=SIZE, scheme="five",
        template="square",
    )  # fmt: skip
    work = WorkFolder(tmp_path / "new" / "folder")
    assert work.geometry("a") is None
    work.keep_geometry("a", geometry)
    kept = work.geometry("a")
    assert kept is not None
    assert kept.times == TIMES
    assert (kept.points == geometry.points).all()
    next(work.path.iterdir()).write_bytes(b"broken off")
    assert work.geometry("a") is None
    write(work.path / "edits-a", pictures(4, SIZE), pictures(4, SIZE))
    (work.path / "mine.txt").touch()
    work.clear()
    assert [path.name for path in work.path.iterdir()] == ["mine.txt"]
    (work.path / "mine.txt").unlink()
    work.clear()
    assert not work.path.exists()


def test_any_other_setting_is_another_hash() -> None:
    assert settings_hash({"a": 1, "b": 2}) == settings_hash({"b": 2, "a": 1})
    assert settings_hash({"a": 1}) != settings_hash({"a": 2})
    assert settings_hash({"name": "\udcff"}) != settings_hash({"name": "?"})
