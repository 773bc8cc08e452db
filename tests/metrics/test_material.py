"""What clips are made of: cuts, frozen faces and speech, in pictures and sound that are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lipkit.media.audio import read_wave
from lipkit.metrics.material import Cuts, FacePicture, Presence, SoundLevel, Speech, shrunken
from lipkit.protocols import Passage

pytest.importorskip("silero_vad")
pytest.importorskip("scenedetect")


def shown(metric, clip, frames):
    watch = metric.watch(clip)
    for first in range(0, len(frames), 7):
        part = frames[first : first + 7]
        watch.see(Passage(np.arange(first, first + len(part)), part))
    return watch.scores()


def speech(wave) -> dict:
    return Speech().watch(SimpleNamespace(wave=wave)).scores()


@pytest.fixture(scope="module")
def spoken() -> np.ndarray:
    """Two seconds of silence around real speech."""
    from importlib import resources

    path = resources.files("lipkit") / "assets" / "speech.flac"
    quiet = 1e-3 * np.random.default_rng(0).standard_normal(32000).astype(np.float32)
    wave = read_wave(path)
    wave = np.concatenate([0 * quiet, wave, 0 * quiet])
    return wave + 1e-3 * np.random.default_rng(0).standard_normal(len(wave)).astype(np.float32)


def test_speech_is_heard_and_stands_above_noise(spoken):
    found = speech(spoken)
    share = found["speech_share"].value
    real = 1 - 64000 / len(spoken)
    assert 0.5 * real < share <= real + 0.05
    assert found["snr"].value > 20
    louder = speech(spoken + 0.03 * np.random.default_rng(1).standard_normal(len(spoken)))
    assert louder["snr"].value < found["snr"].value - 10


@pytest.mark.parametrize("level", [0, 1e-3])
def test_where_nobody_speaks_there_is_no_ratio(level):
    noise = level * np.random.default_rng(0).standard_normal(48000)
    found = speech(noise.astype(np.float32))
    assert found["speech_share"].value == 0
    assert found["snr"].reason == "nobody speaks"


def test_silence_has_no_peak():
    silent = SoundLevel().watch(SimpleNamespace(wave=np.zeros(16000, np.float32))).scores()
    assert {score.reason for score in silent.values()} == {"the sound is silent"}
    tone = np.sin(np.arange(16000) / 9).astype(np.float32) / 10
    found = SoundLevel().watch(SimpleNamespace(wave=tone)).scores()
    assert found["audio_peak"].value == pytest.approx(-20, abs=0.1)


def noisy(level: int, count: int, seed: int) -> np.ndarray:
    """A textured scene that flickers by a level or two."""
    rng = np.random.default_rng(seed)
    picture = np.repeat(np.repeat(rng.integers(0, 99, (9, 16, 3)), 10, 0), 10, 1) + level
    return (
        (picture[None] + rng.integers(-1, 2, (count, *picture.shape))).clip(0, 255).astype(np.uint8)
    )


def test_cuts_are_counted_and_placed():
    frames = np.concatenate([noisy(0, 40, 0), noisy(150, 40, 1), noisy(60, 40, 2)])
    found = shown(Cuts(), SimpleNamespace(fps=25), frames)["cuts"]
    assert (found.value, found.frames) == (2, 120)
    assert found.settings["at_frames"] == [40, 80]
    assert shown(Cuts(), SimpleNamespace(fps=25), frames[:40])["cuts"].value == 0


def test_large_frames_are_shrunk_for_the_search_of_cuts():
    assert shrunken(np.zeros((1080, 1920, 3), np.uint8)).shape == (144, 256, 3)
    assert shrunken(np.zeros((90, 160, 3), np.uint8)).shape == (90, 160, 3)


def test_a_frozen_face_is_flagged(scene):
    found = shown(FacePicture(), scene.clip, scene.frames)
    assert found["frozen"].value == 1
    rng = np.random.default_rng(0)
    alive = scene.frames.astype(np.int16) + rng.integers(-3, 4, scene.frames.shape)
    alive = alive.clip(0, 255).astype(np.uint8)
    moving = shown(FacePicture(), scene.clip, alive)
    assert moving["frozen"].value == 0
    assert moving["face_size"].value == found["face_size"].value
    assert 80 < found["face_size"].value < 140


def test_faces_out_of_sight_are_left_out(scene):
    valid = np.array([True, False, True, False, True])
    clip = scene.tracked(replace(scene.track, valid=valid)).clip
    found = shown(FacePicture(), clip, scene.frames)
    assert found["face_size"].frames == 3
    assert found["frozen"].reason == "no two frames in a row show a face"
    gone = scene.tracked(replace(scene.track, valid=valid & False)).clip
    assert all(score.reason for score in shown(FacePicture(), gone, scene.frames).values())
    seen = Presence().watch(SimpleNamespace(track=clip.track, end=0.2, fps=25)).scores()
    assert seen["detection_rate"].value == pytest.approx(0.6)
    assert seen["duration"].value == pytest.approx(0.2)
