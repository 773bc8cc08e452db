"""``lipkit animate`` by AniPortrait's design with random weights: sound in, a drawn crop out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import VideoWriter
from tests.commands.conftest import frames_of, untrained
from tests.models.vlogger.aniportrait.conftest import TINY


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small design, autoencoder and picture encoder included."""
    tables = {"model": TINY["model"]}
    return untrained("aniportrait", tables, tmp_path_factory.mktemp("run") / "weights.safetensors")


def test_the_crop_is_drawn_and_the_rest_stays(
    astronaut: np.ndarray, speech: Path, weights: Path, tmp_path: Path
) -> None:
    face, out = tmp_path / "face.png", tmp_path / "out.mkv"
    Image.fromarray(astronaut[:360]).save(face)
    options = ["--model", weights, "--steps", 1, "--guidance", 1, "--video-codec", "ffv1"]
    assert run([str(word) for word in ("animate", face, speech, "-o", out, *options)]) == 0
    made = frames_of(out)
    assert len(made) == 20  # 0.8 s
    assert probe(out).audio is not None
    changed = (made != astronaut[:360]).any((0, -1))
    assert changed.any()
    assert not changed[300:].any()


def test_a_video_drives_at_its_own_rate(
    astronaut: np.ndarray, weights: Path, tmp_path: Path
) -> None:
    face, driver, out = tmp_path / "face.png", tmp_path / "driver.mkv", tmp_path / "out.mkv"
    Image.fromarray(astronaut[:360]).save(face)
    moving = [np.roll(astronaut[:360], 4 * shift, 1) for shift in range(6)]
    with VideoWriter(driver, size=(512, 360), fps=Fraction(12)) as writer:
        writer.write(np.stack(moving))
    options = ["--model", weights, "--steps", 1, "--guidance", 1]
    words = ["animate", face, "--drive", driver, "-o", out, *options]
    assert run([str(word) for word in words]) == ExitStatus.OK
    assert len(frames_of(out)) == 6
    assert probe(out).audio is None


def test_weights_that_are_not_here_say_how_to_get_them(
    astronaut: np.ndarray,
    speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    face = tmp_path / "face.png"
    Image.fromarray(astronaut).save(face)
    words = ["animate", face, speech, "-o", tmp_path / "out.mkv", "--model", "aniportrait"]
    assert run([str(word) for word in words]) == ExitStatus.WEIGHTS
    assert "lipkit models pull aniportrait" in capsys.readouterr().err
