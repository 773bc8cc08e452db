"""Pixels that an edit left alone, and pixels that come and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lipkit.metrics.stillness import Flicker, Untouched, editable, unrest
from lipkit.protocols import Passage, Score
from tests.metrics.conftest import Scene


def watched(
    metric: Any, scene: Scene, made: np.ndarray, real: np.ndarray | None
) -> dict[str, Score]:
    watch = metric.watch(scene.clip)
    for start in range(0, len(made), 2):
        part = slice(start, start + 2)
        watch.see(
            Passage(np.arange(len(made))[part], made[part], None if real is None else real[part])
        )
    return dict(watch.scores())


def test_the_region_holds_the_mouth_and_not_the_eyes(scene: Scene) -> None:
    inside = editable(scene.track, 0)
    assert inside is not None
    for row, expected in ((13, True), (152, True), (33, False), (10, False), (263, False)):
        x, y = scene.track.points[0, row, :2].astype(int)
        assert inside[y, x] == expected, row


def test_what_happens_at_the_mouth_does_not_count(scene: Scene) -> None:
    made = scene.frames.copy()
    x, y = scene.track.points[0, 13, :2].astype(int)
    made[:, y - 8 : y + 8, x - 8 : x + 8] = 0
    found = watched(Untouched(), scene, made, scene.frames)
    assert found["identical_outside"].value == 1
    assert (found["psnr_outside"].value, found["psnr_outside"].reason) == (
        None,
        "no pixel outside differs",
    )


def test_what_happens_elsewhere_counts(scene: Scene) -> None:
    inside = editable(scene.track, 0)
    assert inside is not None
    made = scene.frames.copy()
    made[1:, 0, :10, 0] ^= 8
    found = watched(Untouched(), scene, made, scene.frames)
    outside, wrong = np.count_nonzero(~inside) * len(made), 10 * (len(made) - 1)
    assert found["identical_outside"].value == pytest.approx(1 - wrong / outside)
    level = 10 * np.log10(255**2 / (wrong * 64 / (3 * outside)))
    assert found["psnr_outside"].value == pytest.approx(level)
    assert found["psnr_outside"].frames == len(made)


def test_frames_without_a_face_and_other_sizes_are_told(scene: Scene) -> None:
    track = replace(scene.track, valid=np.array([True, False] * 2 + [True]))
    found = watched(Untouched(), scene.tracked(track), scene.frames, scene.frames)
    assert found["identical_outside"].frames == 3
    assert found["identical_outside"].settings["frames_left_out"] == 2
    found = watched(Untouched(), scene, scene.frames, scene.frames[:, :-1])
    assert {score.value for score in found.values()} == {None}
    assert "frames are" in str(found["psnr_outside"].reason)


def test_unrest_knows_no_steady_change() -> None:
    ramp = [np.full((2, 2), level, np.uint8) for level in (10, 30, 50)]
    assert unrest(ramp).max() == 0
    blink = [np.full((2, 2), level, np.uint8) for level in (10, 30, 10)]
    assert unrest(blink).min() == 20


def test_a_still_clip_is_still(scene: Scene) -> None:
    found = watched(Flicker(), scene, scene.frames, None)
    assert found["flicker_outside"].value == 0
    assert found["flicker_face"].value == 0
    assert found["flicker_face"].frames == len(scene.frames) - 2


def test_flicker_is_told_apart_by_place(scene: Scene) -> None:
    made = scene.frames.copy()
    made[::2, :, :20] = 100
    made[1::2, :, :20] = 110
    found = watched(Flicker(), scene, made, None)
    assert found["flicker_face"].value == 0
    assert found["flicker_outside"].value > 0.5
    made = scene.frames // 2 + 40
    x, y = scene.track.points[0, 151, :2].astype(int)  # the forehead
    made[::2, y - 4 : y + 4, x - 4 : x + 4] += 20
    found = watched(Flicker(), scene, made, None)
    assert found["flicker_outside"].value == 0
    assert found["flicker_face"].value > 0.1


def test_cuts_are_no_flicker(scene: Scene) -> None:
    made = scene.frames.copy()
    made[2:] = 255 - made[2:]
    shots = np.array([0, 0, 1, 1, 1])
    cut = scene.tracked(replace(scene.track, shot=shots))
    assert watched(Flicker(), cut, made, None)["flicker_outside"].value == 0
    assert watched(Flicker(), scene, made, None)["flicker_outside"].value > 5


def test_too_short_a_clip_has_no_flicker(scene: Scene) -> None:
    found = watched(Flicker(), scene, scene.frames[:2], None)
    assert {score.value for score in found.values()} == {None}
