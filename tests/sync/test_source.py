"""Every frame in the order in which it is wanted, found exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.media.video import Encode, frame_times
from lipkit.sync import source as module
from lipkit.sync.source import Source, regroup
from tests.sync.films import LOSSLESS, film, joined, pictures, steady

SIZE = (48, 32)
UNEVEN = [Fraction(n, 1000) for n in np.cumsum([7, *[33, 40, 34, 50] * 15]).tolist()]


@pytest.fixture(scope="module", params=["steady.mkv", "ntsc.mkv", "uneven.mkv", "uneven.mp4"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    times = {
        "steady": steady(61),
        "ntsc": steady(61, Fraction(30000, 1001)),
        "uneven": UNEVEN,
    }[request.param.split(".")[0]]
    encode = Encode("ffv1", lossless=True)
    if request.param.endswith("mp4"):
        encode = Encode("h264", lossless=True)
    path = film(tmp_path_factory.mktemp("film") / request.param, times, SIZE, encode=encode)
    return Source(path, frame_times(path), SIZE)


@pytest.mark.parametrize(
    "rows",
    [
        range(61),
        [*range(61), *range(59, -1, -1), *range(1, 20)],
        [*range(61), *range(61), 0, 1],
        [*range(61), 60, 60, 60],
        [5, 5, 9, 8, 7, 30],
    ],
    ids=["forward", "pingpong", "loop", "hold", "anything"],
)
def test_frames_come_in_the_order_wanted(source: Source, rows: Sequence[int]) -> None:
    assert (joined(source.play(list(rows))) == pictures(61, SIZE)[list(rows)]).all()


def test_single_frames_are_read_near_and_far(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORTH_SEEKING", 10)
    rows = [0, 3, 4, 30, 58, 60]
    frames = list(source.read(rows))
    assert [frame.shape for frame in frames] == [(1, 32, 48, 3)] * 6
    assert (np.concatenate(frames) == pictures(61, SIZE)[rows]).all()
    assert list(source.read([])) == []


def test_frames_are_picked_by_the_hundred(tmp_path: Path) -> None:
    path = film(tmp_path / "long.mkv", steady(400), SIZE, encode=LOSSLESS)
    long, rows = Source(path, frame_times(path), SIZE), list(range(0, 400, 2))
    assert (np.concatenate(list(long.read(rows))) == pictures(400, SIZE)[rows]).all()


def test_a_picked_frame_that_is_gone_is_an_error(source: Source) -> None:
    more = Source(source.path, [*source.times, source.times[-1] + 1], SIZE)
    with pytest.raises(BadInput, match="frame 61 was found before"):
        list(more.read([3, 61]))


def test_another_number_of_frames_is_an_error(source: Source) -> None:
    more = Source(source.path, [*source.times, source.times[-1] + 1], SIZE)
    fewer = Source(source.path, source.times[:-1], SIZE)
    with pytest.raises(BadInput, match="ends at frame 61, 62 were found"):
        joined(more.play(range(62)))
    with pytest.raises(BadInput, match="61 frames where 60 were found"):
        joined(fewer.play(range(60)))


def test_chunks_are_small_where_frames_are_large() -> None:
    assert Source(Path("x"), [], (3840, 2160)).chunk == 1
    assert Source(Path("x"), [], (3840, 2160), "rgba64").chunk == 1
    assert Source(Path("x"), [], SIZE).chunk > 8


def test_chunks_are_cut_anew() -> None:
    chunks = iter([np.arange(3), np.arange(3, 5), np.arange(5, 10)])
    found = [part.tolist() for part in regroup(chunks, iter([(0, 1), (1, 6), (6, 10)]))]
    assert found == [[0], [1, 2, 3, 4, 5], [6, 7, 8, 9]]
