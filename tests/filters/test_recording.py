"""Videos brought to an even rate, and faces counted."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from lipkit.filters.recording import Counting, evened


def test_frames_go_and_repeat_by_the_nearest_time() -> None:
    thirty = [Fraction(k, 30) for k in range(30)]
    rows = evened(thirty, Fraction(30), Fraction(25))
    assert rows.tolist() == [round(k * 30 / 25) for k in range(25)]
    rows = evened(thirty[:15], Fraction(30), Fraction(60))
    assert rows.tolist() == [k // 2 for k in range(30)]
    assert evened(thirty, Fraction(30), None).tolist() == list(range(30))


def test_25_frames_a_second_stay_as_they_are() -> None:
    times = [Fraction(k, 25) for k in range(77)]
    assert evened(times, Fraction(25), Fraction(25)).tolist() == list(range(77))


class Two:
    """Finds a face, and another in odd frames."""

    name, scheme = "two", "dlib68"

    def detect(self, frames: Any) -> list[list[Any]]:
        return [["face"] * (1 + k % 2) for k in range(len(frames))]


def test_faces_are_counted_in_passing() -> None:
    tracker = Counting(Two())  # type: ignore[arg-type]
    tracker.detect(np.zeros((3, 2, 2, 3), np.uint8))
    tracker.reset()
    tracker.detect(np.zeros((2, 2, 2, 3), np.uint8))
    assert tracker.counts == [1, 2, 1, 1, 2]
    assert (tracker.name, tracker.scheme) == ("two", "dlib68")
