"""``lipkit sync`` by models of cropped faces with random weights: the contracts hold for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipkit import config
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.video import frame_times
from tests.commands.conftest import film_head, frames_of, untrained

PRESETS = ["tiny-wav2lip", "tiny-musetalk"]


@pytest.fixture(scope="module", params=PRESETS)
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a preset's design."""
    preset = config.load_preset(request.param)
    path = tmp_path_factory.mktemp("run") / "weights.safetensors"
    return untrained(preset.family, preset.tables, path, preset.name)


@pytest.fixture(scope="module")
def talk(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a head that moves a little, at 30 frames a second."""
    return film_head(tmp_path_factory.mktemp("film") / "talk.mkv", astronaut, frames=15)


def sync(*arguments: object) -> int:
    return run(["sync", *map(str, arguments)])


def changes(talk: Path, speech: Path, weights: Path, out: Path, *options: str) -> np.ndarray:
    """Which pixels ``(f, h, w)`` a sync changed."""
    given = ["--model", weights, "--video-codec", "ffv1", *options]
    assert sync(talk, speech, "-o", out, "--length", "video", *given) == ExitStatus.OK
    assert frame_times(out) == frame_times(talk)
    return (frames_of(talk) != frames_of(out)).any(-1)


def test_the_lower_face_is_drawn_anew_and_nothing_else(
    talk: Path, speech: Path, weights: Path, tmp_path: Path
) -> None:
    changed = changes(talk, speech, weights, tmp_path / "out.mkv")
    assert changed.any((1, 2)).all()
    assert not changed[:, :90].any()  # eyes and all above
    assert not changed[:, :, :20].any()
    assert 0.02 < changed.mean() < 0.3


def test_the_official_paste_has_another_shape(
    talk: Path, speech: Path, weights: Path, tmp_path: Path
) -> None:
    soft = changes(talk, speech, weights, tmp_path / "soft.mkv")
    official = ["--set", "sampling.paste=official"]
    hard = changes(talk, speech, weights, tmp_path / "hard.mkv", *official)
    assert (hard & ~soft).sum() > 0.02 * hard.sum()


@pytest.mark.parametrize("preset", ["wav2lip", "wav2lip-gan", "musetalk-1.0", "musetalk-1.5"])
def test_missing_weights_say_how_to_get_them(
    preset: str,
    talk: Path,
    speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    out = tmp_path / "x.mp4"
    assert sync(talk, speech, "-o", out, "--model", preset) == ExitStatus.WEIGHTS
    said = capsys.readouterr().err
    assert f"--name {preset}" in said or f"lipkit models pull {preset}" in said
    assert not out.exists()
