"""PSNR and SSIM, against scikit-image and by what must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lipkit.metrics.similarity import (
    FEW,
    OfFace,
    OfMouth,
    Psnr,
    Ssim,
    SsimBox,
    psnr,
    ssim,
    ssim_box,
)
from lipkit.protocols import FaceTrack, Passage, Score

metrics = pytest.importorskip("skimage.metrics")


@pytest.fixture(scope="module")
def pair(astronaut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real = astronaut[100:220, 150:311]
    noise = np.random.default_rng(0).normal(0, 12, real.shape)
    return np.clip(real + noise, 0, 255).astype(np.uint8), real


def test_values_are_scikit_images(pair: tuple[np.ndarray, np.ndarray]) -> None:
    made, real = pair
    shape = {"channel_axis": -1, "data_range": 255}
    gauss = metrics.structural_similarity(
        made, real, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **shape
    )
    assert ssim(made, real) == pytest.approx(gauss, abs=1e-9)
    assert ssim_box(made, real) == pytest.approx(
        metrics.structural_similarity(made, real, **shape), abs=1e-9
    )
    assert psnr(made, real) == pytest.approx(metrics.peak_signal_noise_ratio(real, made))


def test_equal_pictures_are_alike_and_have_no_psnr(pair: tuple[np.ndarray, np.ndarray]) -> None:
    made, _ = pair
    assert psnr(made, made) is None
    assert ssim(made, made) == ssim_box(made, made) == 1


def test_large_pictures_are_compared_in_single_precision(astronaut: np.ndarray) -> None:
    real = np.tile(astronaut, (1, 2, 1))
    noise = np.random.default_rng(0).normal(0, 12, real.shape)
    made = np.clip(real + noise, 0, 255).astype(np.uint8)
    assert made.size > FEW
    shape = {"channel_axis": -1, "data_range": 255}
    found = metrics.structural_similarity(made, real, **shape)
    assert ssim_box(made, real) == pytest.approx(found, abs=1e-6)
    rows = [ssim(made[part], real[part]) for part in (slice(0, 282), slice(272, None))]
    heights = 282 - 10, 240 - 10
    assert ssim(made, real) == pytest.approx(np.average(rows, weights=heights), abs=1e-6)
    assert ssim(real, real) == ssim_box(real, real) == 1


def test_pictures_smaller_than_a_window_have_no_ssim() -> None:
    tiny = np.zeros((10, 40, 3), np.uint8)
    assert ssim(tiny, tiny) is None
    assert ssim_box(tiny, tiny) is not None
    assert ssim_box(tiny[:6], tiny[:6]) is None


def watched(metric: Psnr, scene: Any, made: np.ndarray, real: np.ndarray) -> dict[str, Score]:
    watch = metric.watch(scene.clip)
    half = len(made) // 2
    for part in (slice(0, half), slice(half, None)):
        watch.see(Passage(np.arange(len(made))[part], made[part], real[part]))
    return dict(watch.scores())


def test_a_clip_that_equals_its_reference(scene: Any) -> None:
    frames = scene.frames
    for metric in (Psnr(), Ssim(), SsimBox(), OfFace(), OfMouth()):
        for name, score in watched(metric, scene, frames, frames).items():
            assert score.frames == (0 if "psnr" in name else len(frames))
            if "psnr" in name:
                assert (score.value, score.reason) == (None, "every frame equals its reference")
            else:
                assert score.value == 1


def test_frames_that_are_equal_do_not_count_in_psnr(scene: Any) -> None:
    made = scene.frames.copy()
    made[1] ^= 16
    found = watched(Psnr(), scene, made, scene.frames)["psnr"]
    assert found.value == pytest.approx(10 * np.log10(255**2 / 16**2))
    assert found.frames == 1
    assert found.settings["frames_undefined"] == len(made) - 1
    assert len(found.curves["per frame"]) == len(made)


def test_regions_see_what_is_in_them_alone(scene: Any) -> None:
    made = scene.frames.copy()
    x, y = scene.track.points[0, 13, :2].astype(int)
    made[:, y : y + 3, x : x + 3] ^= 128
    mouth, face = (watched(metric, scene, made, scene.frames) for metric in (OfMouth(), OfFace()))
    whole = watched(Psnr(), scene, made, scene.frames)["psnr"].value
    assert mouth["psnr_mouth"].value < face["psnr_face"].value < whole
    made = scene.frames.copy()
    made[:, :20] ^= 128
    for metric in (OfMouth(), OfFace()):
        scores = watched(metric, scene, made, scene.frames)
        assert [score.value for name, score in scores.items() if "psnr" in name] == [None]


def test_frames_without_a_face_are_left_out(scene: Any) -> None:
    track = scene.track
    valid = track.valid.copy()
    valid[0] = False
    lost = FaceTrack(
        track.points, valid, track.shot, track.times, track.fps, track.frame_size, track.scheme
    )
    found = watched(OfFace(), scene.tracked(lost), scene.frames, scene.frames)["ssim_face"]
    assert found.frames == len(scene.frames) - 1
    assert found.settings["frames_left_out"] == 1


def test_frames_of_other_sizes_are_not_compared(scene: Any) -> None:
    found = watched(Psnr(), scene, scene.frames, scene.frames[:, :-2])["psnr"]
    assert found.value is None
    height, width = scene.frames.shape[1:3]
    assert found.reason == f"frames are {width}x{height}, the reference's {width}x{height - 2}"


def test_a_clip_without_frames_is_not_compared(scene: Any) -> None:
    found = watched(Ssim(), scene, scene.frames[:0], scene.frames[:0])["ssim"]
    assert (found.value, found.reason) == (None, "no frames to compare")
