"""Head motion, tremble, blinks and beats of made-up tracks."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.metrics import beats, blinks, motion


def test_a_steady_turn_steps_by_its_speed():
    pose = np.zeros((50, 3))
    pose[:, 0] = np.arange(50) * 0.6
    assert motion.delta_p(pose) == pytest.approx(0.2)
    assert motion.delta_p_l2(pose) == pytest.approx(0.6)
    assert motion.delta_p_geodesic(pose) == pytest.approx(0.6)
    yaw, pitch, roll = motion.pose_range(pose)
    assert yaw == pytest.approx(0.96 * 49 * 0.6)
    assert pitch == roll == 0


def test_angles_wrap_at_half_a_turn():
    pose = np.zeros((4, 3))
    pose[:, 2] = (178, 179, -180, -179)
    assert motion.delta_p(pose) == pytest.approx(1 / 3)
    assert motion.pose_error(pose[:2], pose[2:]) == pytest.approx(2 / 3)


def test_missing_frames_leave_their_steps_out():
    pose = np.arange(30, dtype=float).reshape(10, 3)
    pose[4] = np.nan
    assert motion.delta_p(pose) == pytest.approx(3)
    nobody = np.full((10, 3), np.nan)
    for measure in (motion.delta_p, motion.delta_p_l2, motion.delta_p_geodesic):
        assert measure(nobody) is None
        assert measure(pose[:1]) is None
    assert motion.pose_spread(nobody) is motion.pose_range(nobody) is None
    assert motion.pose_error(nobody, pose) is None


def test_roughness_of_a_cubic_is_its_third_derivative():
    t = np.arange(40) / 25
    points = np.zeros((40, 2, 2))
    points[:, :, 0] = (2 * t**3)[:, None]
    assert motion.roughness(points, 25, 3) == pytest.approx(12)
    points[20] = np.nan
    assert motion.roughness(points, 25, 3) == pytest.approx(12)
    assert motion.roughness(points[:3], 25, 3) is None


def test_equal_samples_have_no_diversity():
    samples = np.repeat(np.random.default_rng(0).standard_normal((1, 20, 3)), 4, 0)
    assert motion.spread_over_samples(samples) == pytest.approx(0)
    assert motion.pairwise_distance(samples) == pytest.approx(0)
    assert motion.pairwise_distance(samples[:1]) is None
    assert motion.spread_over_time(samples) > 0.5


@pytest.mark.parametrize("length", [2, 5, 12])
def test_blinks_are_found_where_they_were_put(length):
    ratio = np.full(200, 0.3)
    starts = (20, 70, 130)
    for start in starts:
        ratio[start : start + length] = 0.05
    found = blinks.blinks(ratio)
    assert found.events == [(start, start + length) for start in starts]
    assert found.per_minute(25) == pytest.approx(3 / (200 / 25) * 60)
    assert found.closed == pytest.approx(3 * length / 200)


def test_a_flicker_is_merged_and_a_doze_no_blink():
    ratio = np.full(100, 0.3)
    ratio[10:16] = 0.1
    ratio[13] = 0.3
    ratio[50:63] = 0.1
    found = blinks.blinks(ratio)
    assert found.events == [(10, 16)]
    assert found.long_closures == [(50, 63)]


def test_frames_without_eyes_are_not_closed():
    ratio = np.full(50, 0.3)
    ratio[10:20] = np.nan
    found = blinks.blinks(ratio)
    assert (found.events, found.frames, found.closed) == ([], 40, 0)
    assert blinks.blinks(np.full(9, np.nan)) is None


def test_beats_on_the_beat_score_one():
    assert beats.alignment(np.array([10, 40]), np.array([10, 40, 77])) == 1
    assert beats.alignment(np.array([10, 40]), np.array([13, 43])) == pytest.approx(np.exp(-0.5))
    assert beats.alignment(np.array([10]), np.zeros(0)) == 0
    assert beats.alignment(np.zeros(0), np.array([10])) is None


def test_motion_pauses_at_its_beats():
    t = np.arange(200)
    pose = np.stack([np.cos(2 * np.pi * t / 50), 0 * t, 0 * t], 1)
    found = beats.motion_beats(beats.speed(pose[:, None]))
    assert np.abs(found - np.round((found + 0.5) / 25) * 25).max() <= 1
    assert len(found) >= 6
    assert not len(beats.motion_beats(np.ones(100)))
    assert not len(beats.motion_beats(np.ones(2)))


def test_sound_beats_are_at_the_bursts():
    wave = np.random.default_rng(0).standard_normal(16000 * 4).astype(np.float32) * 1e-3
    for frame in (20, 45, 80):
        wave[640 * frame : 640 * (frame + 6)] *= 200
    assert beats.sound_beats(wave).tolist() == [20, 45, 80]
    assert not len(beats.sound_beats(np.zeros(64000, np.float32)))
    assert not len(beats.sound_beats(np.zeros(0, np.float32)))


def test_gaps_in_speeds_are_bridged():
    speeds = np.array([np.nan, 1, 2, np.nan, 4, np.nan])
    assert beats.without_gaps(speeds).tolist() == [1, 1, 2, 3, 4, 4]
    assert not len(beats.without_gaps(np.full(3, np.nan)))
