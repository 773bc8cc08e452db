"""Scene cuts."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from lipkit.faces.cuts import CutDetector

Scene = Callable[[int], np.ndarray]


def scene(seed: int, pan: float = 0, noise: float = 2) -> Scene:
    """A made-up place (90, 160, 3) that may pan sideways, with sensor noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (6, 24, 3)).astype(np.float32)
    wide = cv2.resize(coarse, (640, 90), interpolation=cv2.INTER_CUBIC)

    def frame(i: int) -> np.ndarray:
        start = int(pan * i) % 480
        grain = np.random.default_rng(1000 * seed + i).normal(0, noise, (90, 160, 3))
        return np.clip(wide[:, start : start + 160] + grain, 0, 255).astype(np.uint8)

    return frame


def begins(frames: list[np.ndarray], chunk: int = 1000) -> list[int]:
    detector = CutDetector()
    parts = [frames[i : i + chunk] for i in range(0, len(frames), chunk)]
    found = np.concatenate([detector.feed(np.stack(part)) for part in parts])
    return np.flatnonzero(found).tolist()


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_cuts_are_found_in_any_chunks(chunk: int) -> None:
    frames = [scene(k)(i) for k, count in enumerate((12, 3, 20)) for i in range(count)]
    assert begins(frames, chunk) == [0, 12, 15]


@pytest.mark.parametrize("pan", [0.5, 3, 8])
def test_a_pan_is_no_cut(pan: float) -> None:
    frames = [scene(1, pan=pan)(i) for i in range(40)]
    assert begins(frames) == [0]


def test_a_cut_out_of_a_pan_is_found() -> None:
    frames = [scene(1, pan=6)(i) for i in range(20)] + [scene(2)(i) for i in range(10)]
    assert begins(frames) == [0, 20]


def test_a_fade_of_exposure_is_no_cut() -> None:
    frames = [(scene(3)(i) * (1 - 0.02 * i)).astype(np.uint8) for i in range(30)]
    assert begins(frames) == [0]


def test_something_moving_in_front_is_no_cut() -> None:
    frames = []
    for i in range(30):
        frame = scene(4)(i)
        cv2.circle(frame, (10 + 5 * i, 45), 18, (240, 200, 180), -1)
        frames.append(frame)
    assert begins(frames) == [0]


def test_flat_frames_are_told_from_pictures() -> None:
    black = np.zeros((90, 160, 3), np.uint8)
    frames = [black] * 5 + [scene(5)(i) for i in range(8)] + [black] * 4
    assert begins(frames) == [0, 5, 13]
