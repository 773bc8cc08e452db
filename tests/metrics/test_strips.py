from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lipkit.media.video import VideoWriter, frame_times
from lipkit.metrics.strips import face_window, strip
from lipkit.protocols import FaceTrack

SIZE = (96, 64)


@pytest.fixture
def brightening(tmp_path: Path) -> Path:
    """A video of 40 frames, each brighter than the last; its right half is black."""
    path = tmp_path / "brightening.mp4"
    frames = np.zeros((40, SIZE[1], SIZE[0], 3), np.uint8)
    frames[:, :, : SIZE[0] // 2] = (np.arange(40) * 6)[:, None, None, None]
    with VideoWriter(path, size=SIZE, fps=Fraction(20)) as writer:
        writer.write(frames)
    return path


def levels(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture.convert("L"), np.float64)


def test_pictures_stand_in_the_middle_of_equal_parts(brightening: Path) -> None:
    found = strip(brightening, frame_times(brightening), (0, 0, *SIZE), SIZE, count=4)
    assert [picture.seconds for picture in found] == [0.25, 0.75, 1.25, 1.75]
    shown = [levels(picture.jpeg)[:, : SIZE[0] // 3].mean() for picture in found]
    assert shown == pytest.approx([30, 90, 150, 210], abs=6)


def test_pictures_are_no_larger_than_asked_and_never_enlarged(brightening: Path) -> None:
    times = frame_times(brightening)
    (small,) = strip(brightening, times, (0, 0, *SIZE), SIZE, count=1, side=48)
    assert (small.width, small.height) == (48, 32)
    (same,) = strip(brightening, times, (0, 0, *SIZE), SIZE, count=1, side=500)
    assert (same.width, same.height) == SIZE


def test_a_window_shows_that_part(brightening: Path) -> None:
    (dark,) = strip(brightening, frame_times(brightening), (60, 10, 90, 40), SIZE, count=1)
    assert (dark.width, dark.height) == (30, 30)
    assert levels(dark.jpeg).max() < 12


def test_a_short_clip_gives_as_many_pictures_as_it_has_frames(brightening: Path) -> None:
    assert len(strip(brightening, frame_times(brightening)[:3], (0, 0, *SIZE), SIZE)) == 3


def track(points: np.ndarray, valid: list[bool]) -> FaceTrack:
    count = len(valid)
    times = [Fraction(i, 25) for i in range(count)]
    shot = np.zeros(count, np.int64)
    return FaceTrack(points, np.array(valid), shot, times, Fraction(25), (640, 480), "test")


def test_the_window_is_a_square_in_the_frame_around_the_face() -> None:
    points = np.zeros((3, 4, 3), np.float32)
    points[..., :2] = [[600, 10], [630, 10], [600, 50], [630, 50]]
    points[2] = 1e6  # no face there
    x0, y0, x1, y1 = face_window(track(points, [True, True, False]))
    assert x1 - x0 == y1 - y0
    assert 0 <= x0 <= 600
    assert 630 <= x1 <= 640
    assert 0 <= y0 <= 10
    assert 50 <= y1 <= 480


def test_without_a_face_the_whole_frame_is_shown() -> None:
    assert face_window(track(np.zeros((1, 4, 3), np.float32), [False])) == (0, 0, 640, 480)
