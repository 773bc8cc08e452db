"""LSE and offset of whole clips, with a stand-in for SyncNet whose embeddings are loudness."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lipkit.audio.mfcc import mfcc, to_pcm
from lipkit.media.audio import read_wave
from lipkit.metrics.embeddings import SAMPLES, LipStream, voice_windows, window_count
from lipkit.metrics.offsets import Alignment
from lipkit.metrics.syncnet import FLAT, SyncWatch, TrackSync, combined, scored
from lipkit.protocols import FaceTrack, Passage
from tests.conftest import ROOT
from tests.metrics.standin import Loudness

FRAMES = 130
BOX = np.array([[10.0, 5.0, 120.0, 115.0]])


class Still:
    """Finds the one face where it always is."""

    recipe = "a stand-in"
    weights = None

    def find(self, passage: Passage) -> list[np.ndarray]:
        return [BOX for _ in passage.rows]


@cache
def speech() -> np.ndarray:
    return read_wave(ROOT / "lipkit" / "assets" / "speech.flac")


def drawn(first: int, count: int = FRAMES) -> np.ndarray:
    """Frames ``(count, 120, 130, 3)``, in the middle as grey as the speech is loud."""
    energy = mfcc(to_pcm(speech()))[0]
    grey = [8 * energy[4 * k : 4 * k + 4].mean() for k in range(first, first + count)]
    frames = np.full((count, 120, 130, 3), 30, np.uint8)
    values = np.clip(np.array(grey), 1, 255).astype(np.uint8)
    frames[:, 44:117, 27:100] = values[:, None, None, None]
    return frames


def clip_of(wave: np.ndarray, moving: bool = True, count: int = FRAMES) -> Any:
    """A clip with this sound, whose mouth opens and closes."""
    points = np.zeros((count, 478, 3), np.float32)
    points[:, 263, 0] = 50
    if moving:
        points[:, 14, 1] = 5 + 5 * np.sin(np.arange(count))
    times = tuple(Fraction(k, 25) for k in range(count))
    valid, shot = np.ones(count, bool), np.zeros(count, int)
    track = FaceTrack(points, valid, shot, times, Fraction(25), (130, 120), "mediapipe478")
    info = SimpleNamespace(video=SimpleNamespace(codec="ffv1"), audio=SimpleNamespace(codec="flac"))
    return SimpleNamespace(wave=wave, ticks25=times, track25=track, info=info)


def heard(delay: int, count: int = FRAMES, first: int = 30) -> np.ndarray:
    """The speech that begins in frame ``first``, ``delay`` frames later."""
    return speech()[(first - delay) * SAMPLES : (first - delay + count) * SAMPLES]


def watched(clip: Any, frames: np.ndarray, finder: Any = None) -> dict[str, Any]:
    watch = SyncWatch(clip, Loudness(), finder or Still())
    for start in range(0, len(frames), 16):
        part = frames[start : start + 16]
        watch.see(Passage(np.arange(start, start + len(part)), part))
    return dict(watch.scores())


@pytest.mark.parametrize("delay", [-11, -4, -1, 0, 1, 3, 9])
def test_delaying_the_sound_by_k_frames_lowers_the_offset_by_k(delay: int) -> None:
    still = watched(clip_of(heard(0)), drawn(30))
    found = watched(clip_of(heard(delay)), drawn(30))
    assert found["av_offset"].value == still["av_offset"].value - delay
    assert found["sync_offset"].value == still["sync_offset"].value - delay
    assert found["lse_c"].value > 1


def test_scores_carry_recipe_and_curves() -> None:
    found = watched(clip_of(heard(0)), drawn(30))
    assert found["lse_c"].value == found["sync_conf"].value
    assert found["lse_c"].frames == FRAMES - 5
    settings = found["lse_c"].settings
    assert (settings["min_track"], found["sync_conf"].settings["min_track"]) == (100, 50)
    assert settings["detector"] == "a stand-in"
    assert settings["tracks"][0]["windows"] == FRAMES - 5
    curves = found["lse_c"].curves
    assert len(curves["distance"]) == 31
    assert len(curves["confidence"]) == FRAMES
    assert curves["confidence"][-5:] == [None] * 5


def test_a_track_of_80_frames_counts_for_latentsync_only() -> None:
    found = watched(clip_of(heard(0, 80), count=80), drawn(30, 80))
    assert found["lse_c"].value is None
    assert "more than 100 frames" in found["lse_c"].reason
    assert found["sync_conf"].value > 1
    assert "distance" in found["sync_conf"].curves


def test_every_track_counts() -> None:
    frames = drawn(30, 240)
    frames[120:, :44] = 255  # another scene
    frames[120:, :, :27] = 255
    frames[120:, :, 100:] = 255
    found = watched(clip_of(heard(0, 240), count=240), frames)
    tracks = found["lse_c"].settings["tracks"]
    assert [track["first"] for track in tracks] == [0, 120]
    mean = np.mean([track["confidence"] for track in tracks])
    assert found["lse_c"].value == pytest.approx(mean, abs=1e-3)


def refused(clip: Any, frames: np.ndarray, finder: Any = None) -> str:
    found = watched(clip, frames, finder)
    assert {score.value for score in found.values()} == {None}
    (reason,) = {score.reason for name, score in found.items() if name.startswith("lse")}
    return str(reason)


def test_fewer_than_50_frames_are_refused() -> None:
    assert "49 frames" in refused(clip_of(heard(0, 49), count=49), drawn(30, 49))
    assert "40 frames" in refused(clip_of(heard(0, 40)), drawn(30))  # the sound ends early


def test_silence_is_flagged() -> None:
    assert "silence" in refused(clip_of(np.zeros(FRAMES * SAMPLES, np.float32)), drawn(30))


def test_a_frozen_face_is_flagged() -> None:
    assert "frozen" in refused(clip_of(heard(0), moving=False), drawn(30))


def track(offset: int, confidence: float) -> TrackSync:
    means = np.full(31, 9.0)
    return TrackSync(0, 120, 115, Alignment(offset, 9 - confidence, confidence, means, means))


def test_a_flat_curve_means_nothing() -> None:
    found = scored([track(15, FLAT - 0.01)], "lse", "", {})
    assert {score.value for score in found.values()} == {None}
    assert all("confidence 0.49 below 0.5" in str(score.reason) for score in found.values())
    assert scored([track(15, FLAT)], "lse", "", {})["offset"].value == 15


def test_tracks_become_one_number_by_recipe() -> None:
    tracks = [track(-3, 4), track(-4, 6), track(0, 2)]
    assert combined(tracks, "lse") == {"confidence": 4, "distance": 5, "offset": -4}
    assert combined(tracks, "sync")["offset"] == -2  # the mean is -2.33


def test_small_faces_and_no_faces_are_refused() -> None:
    class Small(Still):
        def find(self, passage: Passage) -> list[np.ndarray]:
            return [BOX * 0.8 for _ in passage.rows]

    class Nobody(Still):
        def find(self, passage: Passage) -> list[np.ndarray]:
            return [np.zeros((0, 4)) for _ in passage.rows]

    assert "88 pixels" in refused(clip_of(heard(0)), drawn(30), Small())
    assert "no face track" in refused(clip_of(heard(0)), drawn(30), Nobody())


def test_a_stream_of_faces_gives_every_window_once() -> None:
    network = Loudness()
    faces = np.random.default_rng(1).integers(0, 256, (91, 224, 224, 3), np.uint8)
    stream = LipStream(network)
    for face in faces:
        stream.add(face)
    found = stream.finish()
    whole = torch.from_numpy(faces).movedim(-1, 0)[None].float()
    assert found == pytest.approx(network.lips(whole)[0].numpy(), abs=1e-4)


def test_windows_of_the_voice_lie_four_columns_apart() -> None:
    pcm = to_pcm(speech()[: 40 * SAMPLES])
    count = window_count(60, len(pcm))
    windows, whole = voice_windows(pcm, count), mfcc(pcm)
    assert windows.shape == (35, 1, 13, 20)
    assert windows[7, 0] == pytest.approx(whole[:, 28:48], rel=1e-6)
    assert window_count(3, len(pcm)) == 0
    assert voice_windows(pcm, 0).shape == (0, 1, 13, 20)
