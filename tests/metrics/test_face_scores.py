"""Scores of faces as the engine gets them: made-up clips whose motion is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lipkit.metrics.choreography import BeatAlign, Diversity
from lipkit.metrics.landmarks import LandmarkDistance, LipIntensity, LipTiming
from lipkit.metrics.liveliness import Blinking, HeadMotion, PoseError, Tremble
from lipkit.metrics.motion import head_pose
from lipkit.protocols import Score

PAIRS = [LandmarkDistance(), LipTiming(), PoseError()]
ALONE = [HeadMotion(), Tremble(), Blinking(), LipIntensity(), BeatAlign()]
COUNT = 120


@pytest.fixture(scope="module")
def pose() -> np.ndarray:
    """A head (120, 3) that nods and turns."""
    t = np.arange(COUNT)
    return np.stack([6 * np.sin(t / 9), 4 * np.sin(t / 6), 2 * np.sin(t / 15)], 1)


@pytest.fixture(scope="module")
def opening() -> np.ndarray:
    """Lips (120,) that open and close."""
    t = np.arange(COUNT)
    return 0.06 + 0.05 * np.sin(t / 3 + np.sin(t / 20))


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Bursts of noise, 16 kHz."""
    t = np.arange(COUNT * 640) / 16000
    noise = np.random.default_rng(0).standard_normal(len(t))
    return (0.3 * noise * (np.sin(2 * np.pi * 1.7 * t) > 0.3)).astype(np.float32)


def scores(metric, clip) -> dict[str, Score]:
    found = metric.watch(clip).scores()
    assert set(found) == {measure.name for measure in metric.measures}
    for value in found.values():
        assert (value.value is None) == bool(value.reason)
        assert value.value is None or math.isfinite(value.value)
    return found


def values(metric, clip) -> dict[str, float | None]:
    return {name: score.value for name, score in scores(metric, clip).items()}


def test_a_clip_is_at_no_distance_from_itself(filmed, pose, opening):
    clip = filmed(pose, opening, reference=filmed(pose, opening))
    for metric in PAIRS:
        for name, value in values(metric, clip).items():
            assert value == pytest.approx(0, abs=1e-9), name


def test_a_tilted_head_is_no_error_of_the_lips(filmed, pose, opening):
    truth = filmed(0 * pose, opening)
    found = values(LandmarkDistance(), filmed(pose * (0, 0, 1), opening, reference=truth))
    assert found["lmd_aligned"] < 0.02 * found["lmd"]
    assert values(PoseError(), filmed(pose, reference=truth))["pose_error"] == pytest.approx(
        np.abs(pose).mean(), rel=0.02
    )


def test_late_lips_are_late_by_their_frames(filmed, pose, opening):
    late = np.concatenate([opening[:1], opening[:1], opening[:-2]])
    clip = filmed(0 * pose, late, reference=filmed(0 * pose, opening))
    found = scores(LipTiming(), clip)["mtm"]
    assert found.value == pytest.approx(80, abs=12)
    assert len(found.curves["aperture"]) == COUNT


def test_pictures_of_two_sizes_share_no_pixels(filmed, pose, opening):
    truth = filmed(pose, opening, size=(1920, 1080))
    found = scores(LandmarkDistance(), filmed(pose, opening, reference=truth))
    kept = {name for name, score in found.items() if score.value is not None}
    assert kept == {"lmd_aligned", "aperture_mae"}
    assert found["lmd"].reason == "frames of 256 x 256 and 1920 x 1080 share no pixels"


def test_a_longer_reference_is_cut_or_thinned(filmed, pose, opening):
    clip = filmed(pose[:60], opening[:60], reference=filmed(pose, opening))
    found = scores(LandmarkDistance(), clip)
    assert found["m_lmd"].value == pytest.approx(0, abs=1e-9)
    assert found["m_lmd"].frames == 60
    assert found["m_lmd_eat"].value > 0.05


def test_faces_never_seen_together_have_no_distance(filmed, pose):
    first = np.arange(COUNT) < 60
    clip = filmed(pose, valid=first, reference=filmed(pose, valid=~first))
    for metric in PAIRS:
        assert set(values(metric, clip).values()) == {None}


def test_the_turns_of_a_head_are_measured(filmed, pose):
    found = values(HeadMotion(), filmed(pose))
    assert found["delta_p"] == pytest.approx(np.abs(np.diff(pose, axis=0)).mean(), rel=0.02)
    assert found["yaw_range"] == pytest.approx(12, rel=0.05)
    assert found["pitch_range"] == pytest.approx(8, rel=0.05)
    assert np.allclose(
        head_pose(filmed(pose).track) - head_pose(filmed(0 * pose).track)[0], pose, atol=0.6
    )


def test_a_frozen_face_does_nothing(filmed, pose, voice):
    clip = filmed(0 * pose, wave=voice)
    for name, value in values(HeadMotion(), clip).items():
        assert value == pytest.approx(0, abs=1e-3), name
    assert values(Tremble(), clip)["jitter"] == pytest.approx(0, abs=1e-6)
    assert values(LipIntensity(), clip)["lip_intensity"] == pytest.approx(0, abs=1e-6)
    blinks = scores(Blinking(), clip)
    assert (blinks["blink_rate"].value, blinks["blink_length"].reason) == (0, "no blink")
    assert values(BeatAlign(), clip)["beat_align"] == 0
    timing = scores(LipTiming(), filmed(0 * pose, reference=filmed(0 * pose)))["mtm"]
    assert timing.reason == "no opening or closing of the lips matches the reference's"


def test_noise_makes_landmarks_tremble(filmed, pose):
    noise = np.random.default_rng(0).standard_normal(pose.shape)
    calm, nervous = (values(Tremble(), filmed(pose + k * noise)) for k in (0, 0.3))
    assert nervous["jitter"] > 5 * calm["jitter"]
    assert nervous["acceleration"] > calm["acceleration"]


def test_silence_has_no_beats(filmed, pose, voice):
    spoken = scores(BeatAlign(), filmed(pose, wave=voice))["beat_align"]
    assert 0 < spoken.value <= 1
    assert spoken.settings["sound_beats"] > 3
    silent = scores(BeatAlign(), filmed(pose, wave=np.zeros_like(voice)))["beat_align"]
    assert silent.reason == "the sound has no beats"


def test_heads_that_come_and_go_give_numbers_or_reasons(filmed, pose, opening, voice):
    for valid in (np.arange(COUNT) % 2 == 0, np.arange(COUNT) == 7, np.arange(COUNT) % 11 > 0):
        truth = filmed(pose, opening, valid=valid[::-1])
        clip = filmed(pose, opening, valid=valid, wave=voice, reference=truth)
        for metric in (*PAIRS, *ALONE):
            scores(metric, clip)


def test_lip_intensity_follows_loudness_over_a_set(filmed, pose, opening, voice):
    metric = LipIntensity()
    kept = [
        metric.watch(filmed(pose, k * opening, wave=k * voice)).contribution()
        for k in (0.2, 0.5, 1.0)
    ]
    assert metric.compute(kept, ())["slcc"].value == pytest.approx(1, abs=0.02)
    assert metric.compute(kept[:2], ())["slcc"].reason == "takes three clips"
    assert (
        metric.compute([kept[0]] * 3, ())["slcc"].reason == "lips or speech are alike in all clips"
    )
    assert metric.watch(filmed(pose, opening)).contribution() is None


def test_takes_of_one_sound_differ_by_their_motion(filmed, pose, opening, voice):
    metric = Diversity()

    def take(scale: float, sound: np.ndarray) -> dict[str, np.ndarray]:
        kept = metric.watch(filmed(scale * pose, opening, wave=sound)).contribution()
        assert kept is not None
        return kept

    same = metric.compute([take(1, voice)] * 3, ())
    assert {score.value for score in same.values()} == {0}
    other = metric.compute([take(k, voice) for k in (0.5, 1, 1.5)], ())
    deviation = np.abs(pose).mean() * np.std([0.5, 1, 1.5])
    assert other["diversity_pose"].value == pytest.approx(deviation, rel=0.03)
    assert all(score.value > 0 for score in other.values())
    apart = metric.compute([take(1, voice), take(1, voice[::-1])], ())
    assert all("share one sound" in score.reason for score in apart.values())
    assert all(score.reason for score in metric.compute([take(1, voice)], ()).values())
