"""Films of a face that does not move: noise is no speech, and no metric of sync falls for it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.media.video import AudioTrack, Encode, VideoWriter
from lipkit.metrics import syncnet
from lipkit.metrics.choice import Chosen, find
from lipkit.metrics.clip import Clip
from lipkit.metrics.engine import examine
from tests.conftest import ROOT
from tests.metrics.conftest import Scene
from tests.metrics.standin import Loudness

COUNT = 60
SPEECH = ROOT / "lipkit" / "assets" / "speech.flac"
NAMES = ("lip_sync_error", "aperture", "aperture_sound", "mouth_motion", "silence")


@pytest.fixture(scope="module")
def film(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy still of a face with real speech."""
    path = tmp_path_factory.mktemp("films") / "still.mp4"
    noise = np.random.default_rng(4).normal(0, 4, (COUNT, *scene.frames.shape[1:]))
    frames = np.clip(scene.frames[:1] + noise, 0, 255).astype(np.uint8)
    size = (frames.shape[2], frames.shape[1])
    sound = AudioTrack(SPEECH)
    with VideoWriter(path, size=size, fps=Fraction(25), encode=Encode(), audio=sound) as writer:
        writer.write(frames)
    return path


def test_no_metric_of_sync_falls_for_noise(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncnet, "_network", lambda device: Loudness())
    monkeypatch.setattr(syncnet.LipSyncError, "weights", ())
    clip = Clip("still", film)
    clip.reference = clip
    chosen = [Chosen(name, find(name), find(name).measures, ()) for name in NAMES]
    found = examine(clip, chosen).scores
    assert found.pop("mouth_motion").settings["frozen"]
    for name, score in found.items():
        assert score.value is None, name
        assert str(score.reason).startswith("frozen face"), name
