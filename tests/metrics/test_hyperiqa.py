"""Which patches of which frames hyperIQA judges."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lipkit.metrics import hyperiqa
from lipkit.metrics.hyperiqa import HyperIqa, HyperIqaCrops, centre, random_crops
from lipkit.protocols import Passage, Score


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The patches that were judged; a patch's score is its first grey level."""
    seen: list[np.ndarray] = []

    def judge(patches: np.ndarray) -> list[float]:
        seen.append(patches)
        return [float(patch[0, 0, 0]) for patch in patches]

    monkeypatch.setattr(hyperiqa, "judged", judge)
    return seen


def score(metric: HyperIqa, frames: np.ndarray, chunk: int = 4) -> Score:
    watch = metric.watch(SimpleNamespace(frame_count=len(frames)))
    rows = np.arange(len(frames))
    for start in range(0, len(frames), chunk):
        part = slice(start, start + chunk)
        watch.see(Passage(rows[part], frames[part]))
    (found,) = watch.scores().values()
    return found


@pytest.mark.parametrize(("count", "expected"), [(11, (0, 5, 10)), (10, (0, 5, 9)), (1, (0, 0, 0))])
def test_first_middle_and_last_frame(
    count: int, expected: tuple[int, ...], judged: list[np.ndarray]
) -> None:
    frames = np.zeros((count, 240, 256, 3), np.uint8)
    frames += np.arange(count, dtype=np.uint8)[:, None, None, None]
    found = score(HyperIqa(), frames)
    assert found.value == pytest.approx(np.mean(expected))
    assert found.frames == 3
    assert judged[0].shape == (3, 224, 224, 3)


def test_the_middle_is_cut_out_unscaled() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (240, 257, 3), dtype=np.uint8)
    patch = centre(frame)
    assert patch is not None
    np.testing.assert_array_equal(patch[0], frame[8:232, 16:240])


def test_small_frames_have_no_score_but_random_crops_do(judged: list[np.ndarray]) -> None:
    frames = np.full((3, 200, 400, 3), 9, np.uint8)
    found = score(HyperIqa(), frames)
    assert (found.value, found.reason) == (None, "frames below 224 pixels a side")
    assert score(HyperIqaCrops(), frames).value == 9
    assert judged[-1].shape == (75, 224, 224, 3)


def test_random_crops_lie_within_the_scaled_frame_and_repeat() -> None:
    frame = np.zeros((96, 64, 3), np.uint8)
    frame += np.linspace(0, 255, 96).astype(np.uint8)[:, None, None]
    first, second = random_crops(frame), random_crops(frame)
    np.testing.assert_array_equal(first, second)
    assert len({patch.tobytes() for patch in first}) > 20
    assert first[:, 0].mean() < first[:, -1].mean()
    assert first.min() < 10
    assert first.max() > 245


def test_a_clip_without_frames_has_no_score() -> None:
    found = score(HyperIqa(), np.zeros((0, 240, 240, 3), np.uint8))
    assert (found.value, found.reason) == (None, "no frames")
