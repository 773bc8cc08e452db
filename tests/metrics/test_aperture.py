"""The mouth's aperture: against a reference, loudness and silence; frozen faces and mute sound."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from lipkit.media.audio import read_wave
from lipkit.metrics import aperture, mouth
from lipkit.protocols import FaceTrack
from tests.conftest import ROOT

SPEECH = read_wave(ROOT / "lipkit" / "assets" / "speech.flac")[: 10 * 16000]
TRACK = np.abs(gaussian_filter1d(np.random.default_rng(2).normal(size=300), 1.5)) * 0.2


def track_of(apertures: np.ndarray, valid: np.ndarray | None = None) -> FaceTrack:
    """A face, turned by 30 degrees, whose lips are so far apart in eye distances."""
    count = len(apertures)
    points = np.zeros((count, 478, 3))
    points[:, 263, 0] = 80
    points[:, 14, 1] = apertures * 80
    turn = np.radians(30)
    turned = points[..., :2] @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    points[..., :2] = turned + 200
    return FaceTrack(
        points.astype(np.float32),
        np.ones(count, bool) if valid is None else valid,
        np.zeros(count, int),
        tuple(Fraction(k, 25) for k in range(count)),
        Fraction(25),
        (640, 480),
        "mediapipe478",
    )


def clip_of(apertures: np.ndarray, wave: np.ndarray | None = None, reference: Any = None) -> Any:
    track = track_of(apertures)
    return SimpleNamespace(track25=track, ticks25=track.times, wave=wave, reference=reference)


def scores(metric: Any, clip: Any) -> dict[str, Any]:
    found = dict(metric.watch(clip).scores())
    assert set(found) == {measure.name for measure in metric.measures}
    return found


def test_aperture_is_relative_to_the_eyes_and_unknown_without_a_face() -> None:
    valid = np.ones(300, bool)
    valid[7] = False
    found = mouth.aperture(track_of(TRACK, valid))
    assert np.isnan(found[7])
    assert found[valid] == pytest.approx(TRACK[valid], abs=1e-5)


@pytest.mark.parametrize("late", [-9, -3, 0, 1, 6, 10])
def test_lips_k_frames_late_have_lag_k(late: int) -> None:
    reference = clip_of(TRACK[20:220])
    made = clip_of(TRACK[20 - late : 220 - late], reference=reference)
    found = scores(aperture.ApertureMatch(), made)
    assert found["aperture_lag"].value == late
    assert found["aperture_best_corr"].value == pytest.approx(1, abs=1e-6)
    assert (found["aperture_corr"].value > 0.999) == (late == 0)


def test_the_shorter_clip_says_how_many_frames_count() -> None:
    found = scores(aperture.ApertureMatch(), clip_of(TRACK, reference=clip_of(TRACK[:120])))
    assert found["aperture_corr"].frames == 120
    assert found["aperture_corr"].value == pytest.approx(1, abs=1e-6)


def test_a_frozen_face_is_flagged() -> None:
    still = clip_of(np.full(250, 0.05), SPEECH, clip_of(TRACK))
    for metric in (aperture.ApertureMatch(), aperture.ApertureSound(), aperture.SilentMouth()):
        for score in scores(metric, still).values():
            assert score.value is None
            assert score.reason.startswith("frozen face")
    found = scores(aperture.MouthMotion(), still)["mouth_motion"]
    assert found.value == pytest.approx(0, abs=1e-5)
    assert found.settings["frozen"]


def test_a_frozen_reference_is_flagged() -> None:
    still = clip_of(np.full(300, 0.05))
    found = scores(aperture.ApertureMatch(), clip_of(TRACK, reference=still))
    assert found["aperture_lag"].reason.startswith("reference: frozen face")


def test_silence_is_flagged() -> None:
    for wave in (np.zeros(160000, np.float32), np.zeros(0, np.float32)):
        for metric in (aperture.ApertureSound(), aperture.SilentMouth()):
            for score in scores(metric, clip_of(TRACK, wave)).values():
                assert score.value is None
                assert score.reason.startswith("silence")


def test_a_mouth_as_open_as_the_sound_is_loud_follows_it() -> None:
    loudness = mouth.envelope(SPEECH)
    for late in (0, 4, -6):
        found = scores(aperture.ApertureSound(), clip_of(np.roll(loudness, late) * 2, SPEECH))
        assert found["aperture_sound_lag"].value == late
        assert found["aperture_sound_best_corr"].value > 0.99
        assert found["aperture_sound_corr"].settings["reach"] == 10


def test_envelope_takes_whole_frames() -> None:
    wave = np.concatenate([np.full(640, 0.5), np.full(640, -0.25), np.ones(600)])
    assert mouth.envelope(wave) == pytest.approx([0.5, 0.25])


@pytest.mark.parametrize(("resting", "ratio"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_silence_ratio_compares_motion(resting: float, ratio: float) -> None:
    quiet = np.zeros(200, bool)
    quiet[80:140] = True
    steps = np.where(quiet, resting, 1.0) * 0.01 * (-1.0) ** np.arange(200)
    walk = np.cumsum(np.repeat(steps[::2], 2))
    value, frames, reason = mouth.silence_ratio(walk, quiet)
    assert value == pytest.approx(ratio, abs=0.01)
    assert (frames, reason) == (140 + 60 - 2 * mouth.MARGIN, None)


def test_silence_ratio_needs_both_speech_and_silence() -> None:
    never, always = np.zeros(100, bool), np.ones(100, bool)
    assert "no silence" in str(mouth.silence_ratio(TRACK[:100], never)[2])
    assert "no speech" in str(mouth.silence_ratio(TRACK[:100], always)[2])


def test_a_mouth_that_chatters_through_silence_scores_worse() -> None:
    wave = np.concatenate([SPEECH[:64000], np.zeros(48000, np.float32), SPEECH[64000:112000]])
    quiet = mouth.silent(wave, 250)
    assert quiet[106:170].all()
    calm = np.where(quiet, 0.01, TRACK[:250])
    found = [
        scores(aperture.SilentMouth(), clip_of(track, wave[:160000]))["silence_ratio"].value
        for track in (calm, TRACK[:250])
    ]
    assert found[0] < 0.1 < 0.7 < found[1]


def test_motion_and_loudness_go_into_the_report() -> None:
    found = scores(aperture.MouthMotion(), clip_of(TRACK, SPEECH))["mouth_motion"]
    assert len(found.curves["aperture"]) == 300
    assert len(found.curves["loudness"]) == 250
    assert "loudness" not in scores(aperture.MouthMotion(), clip_of(TRACK))["mouth_motion"].curves
