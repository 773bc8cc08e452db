"""Whether the background stays the same."""

from __future__ import annotations

import cv2
import numpy as np

from lipkit.filters.scenery import SceneryWatch, beside

COUNT = 20
BOX = np.array([140.0, 60, 180, 110])


def filmed() -> np.ndarray:
    """A person before a wall of texture, who nods and talks."""
    random = np.random.default_rng(0)
    wall = cv2.resize(random.integers(0, 255, (24, 32, 3)).astype(np.uint8), (320, 240))
    frames = np.repeat(wall[None], COUNT, 0)
    for k in range(COUNT):
        frames[k, 50:110, 135:185] = 100 + 7 * k
        frames[k, 110:, 90:230] = 200 - 7 * k
    return frames


def change(frames: np.ndarray) -> float | None:
    watch = SceneryWatch(np.repeat(BOX[None], len(frames), 0), (320, 240), 25)
    watch.see(frames[:7])
    watch.see(frames[7:])
    return watch.value.value


def test_a_person_moving_is_no_change() -> None:
    assert change(filmed()) == 0


def test_a_moving_camera_is_one() -> None:
    frames = np.stack([np.roll(frame, 3 * k, 1) for k, frame in enumerate(filmed())])
    found = change(frames)
    assert found is not None
    assert found > 20


def test_little_noise_is_none() -> None:
    noise = np.random.default_rng(1).normal(0, 4, filmed().shape)
    found = change(np.clip(filmed() + noise, 0, 255).astype(np.uint8))
    assert found is not None
    assert found < 4


def test_where_a_face_fills_the_picture_there_is_nothing_to_tell_by() -> None:
    watch = SceneryWatch(np.array([[20.0, 10, 300, 230]] * COUNT), (320, 240), 25)
    watch.see(filmed())
    assert (watch.value.value, watch.value.stays) == (None, True)


def test_head_and_body_are_left_out() -> None:
    away = beside(BOX, (320, 240))
    assert not away[85, 160]
    assert not away[40, 160]  # hair
    assert not away[200, 90]  # shoulders
    assert away[85, 60]
    assert away[10, 160]
