"""Measures of score as filters of a clip, with a stand-in for SyncNet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipkit.audio.mfcc import mfcc, to_pcm
from lipkit.errors import WeightsError
from lipkit.filters import scores
from lipkit.filters.rules import rules
from lipkit.media.audio import read_wave
from lipkit.media.video import AudioTrack, Encode, VideoWriter
from lipkit.metrics import syncnet
from lipkit.protocols import Passage
from tests.conftest import ROOT
from tests.metrics.standin import Loudness

COUNT = 60
BOX = np.array([[150.0, 150, 256, 256]])
SYNC = rules(None, ["sync_conf=1", "sync_offset=6"])


class Patch:
    """Finds a face where the film has a patch as grey as its speech is loud."""

    recipe, weights = "a stand-in", None

    def find(self, passage: Passage) -> list[np.ndarray]:
        return [BOX for _ in passage.rows]


def film(path: Path, picture: np.ndarray, delay: int) -> Path:
    """A still face, a patch that follows the speech, and the speech ``delay`` frames later."""
    wave = read_wave(ROOT / "lipkit" / "assets" / "speech.flac")
    energy = mfcc(to_pcm(wave))[0]
    frames = np.repeat(picture[None], COUNT, 0)
    for k in range(COUNT):
        grey = 8 * energy[4 * (k + 30) : 4 * (k + 30) + 4].mean()
        frames[k, 150:, 150:] = np.clip(grey, 1, 255).astype(np.uint8)
    sound = path.with_suffix(".wav")
    first = (30 - delay) * 640
    soundfile.write(sound, wave[first : first + COUNT * 640], 16000, subtype="PCM_16")
    with VideoWriter(
        path, size=(256, 256), fps=25, audio=AudioTrack(sound), encode=Encode("ffv1")
    ) as writer:
        writer.write(frames)
    return path


def test_a_late_sound_has_an_offset_that_brings_it_back(
    astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncnet.LipSyncError, "weights", ())
    monkeypatch.setattr(syncnet, "_tools", lambda clip: (Loudness(), Patch()))
    monkeypatch.setattr(syncnet, "refusal", lambda clip: None)
    picture = astronaut[:256, 100:356]
    found = [
        scores.judge(film(tmp_path / f"{delay}.mkv", picture, delay), SYNC) for delay in (0, -4)
    ]
    even, early = (values["sync_offset"].value for values in found)
    assert even is not None
    assert early == even + 4  # frames to shift the sound by
    assert all(SYNC[0].passes(values["sync_conf"].value or 0) for values in found)


def test_what_has_no_face_has_no_value(tmp_path: Path) -> None:
    path = tmp_path / "grey.mkv"
    with VideoWriter(path, size=(64, 64), fps=25, encode=Encode("ffv1")) as writer:
        writer.write(np.full((5, 64, 64, 3), 90, np.uint8))
    (value,) = scores.judge(path, rules(None, ["sharpness=1"])).values()
    assert (value.value, value.stays) == (None, False)
    assert "no face" in (value.reason or "")


def test_missing_weights_stand_in_the_way() -> None:
    assert isinstance(scores.obstacle(SYNC[0]), WeightsError)
    assert scores.obstacle(rules(None, ["resolution"])[0]) is None
    assert scores.obstacle(rules(None, ["sharpness=1"])[0]) is None
