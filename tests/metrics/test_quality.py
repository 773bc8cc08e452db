"""Quality of sound and pictures, as functions of arrays."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipkit.metrics import quality


@pytest.fixture
def half_spoken() -> tuple[np.ndarray, np.ndarray]:
    """Four seconds: two of speech in noise, two of noise alone, 20 dB apart."""
    rng = np.random.default_rng(0)
    noise = 0.01 * rng.standard_normal(64000)
    mask = np.arange(64000) < 32000
    return (noise + 0.1 * rng.standard_normal(64000) * mask).astype(np.float32), mask


def test_signal_to_noise_is_what_was_mixed(half_spoken):
    assert quality.snr(*half_spoken) == pytest.approx(20, abs=0.3)


def test_no_ratio_without_both_parts_or_with_loud_pauses(half_spoken):
    wave, mask = half_spoken
    assert quality.snr(wave, np.ones_like(mask)) is None
    assert quality.snr(wave, np.arange(64000) < 3000) is None
    assert quality.snr(wave, ~mask) is None
    assert quality.snr(wave * mask, mask) == 100


def test_masks_of_segments_stay_inside():
    mask = quality.mask_of([(-5, 3), (8, 20)], 10)
    assert np.flatnonzero(mask).tolist() == [0, 1, 2, 8, 9]


def test_peak_and_clipping():
    t = np.arange(16000) / 16000
    wave = np.sin(2 * np.pi * 100 * t)
    assert quality.peak(0.5 * wave) == pytest.approx(-6.02, abs=0.01)
    assert quality.clipping(0.9 * wave) == 0
    assert quality.clipping(np.clip(2 * wave, -1, 1)) == pytest.approx(2 / 3, abs=0.02)
    assert quality.clipping(np.eye(1, 100)[0]) == 0  # one full sample is no clipping
    assert quality.peak(np.zeros(0)) == -120
    assert quality.clipping(np.zeros(0)) == 0


def test_blur_takes_sharpness_away(astronaut):
    box = np.array([170.0, 40.0, 290.0, 200.0])
    sharp = [
        quality.sharpness(quality.portrait(cv2.GaussianBlur(astronaut, (0, 0), s), box))
        for s in (0.1, 1, 2, 4)
    ]
    assert sharp == sorted(sharp, reverse=True)
    assert sharp[0] > 5 * sharp[2]


def test_change_is_the_difference_in_levels(astronaut):
    box = np.array([170.0, 40.0, 290.0, 200.0])
    face = quality.portrait(astronaut // 2, box)
    assert quality.change(face, face) == 0
    assert quality.change(quality.portrait(astronaut // 2 + 10, box), face) == pytest.approx(
        10, abs=1
    )


def test_boxes_outside_the_picture_show_nothing(astronaut):
    assert quality.portrait(astronaut, np.array([-90.0, -90.0, -10.0, -10.0])) is None
    assert quality.portrait(astronaut, np.array([600.0, 10.0, 700.0, 90.0])) is None
    assert quality.portrait(astronaut, np.array([-20.0, -20.0, 20.0, 20.0])).shape == (256, 256)


def test_sizes_of_boxes():
    boxes = np.array([[0.0, 0, 30, 40], [5, 5, 5, 9], [9, 9, 2, 2]])
    assert quality.face_size(boxes).tolist() == [pytest.approx(np.sqrt(1200)), 0, 0]
