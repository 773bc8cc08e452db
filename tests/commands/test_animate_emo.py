"""``lipkit animate`` by EMO's design with random weights: it draws the crop and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lipkit import config
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import frame_times
from tests.commands.conftest import frames_of, untrained


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the tiny preset's design, autoencoder included."""
    tables = config.load_preset("tiny-emo").tables
    return untrained("emo", tables, tmp_path_factory.mktemp("run") / "weights.safetensors")


@pytest.fixture(scope="module")
def wide(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with room around the head."""
    path = tmp_path_factory.mktemp("portrait") / "wide.png"
    Image.fromarray(astronaut[:360]).save(path)
    return path


def animate(*arguments: object) -> int:
    return run(["animate", *map(str, arguments)])


def test_the_crop_is_drawn_and_the_rest_stays(
    wide: Path, speech: Path, weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mkv"
    options = ["--model", weights, "--steps", 1, "--video-codec", "ffv1", "--fps", 50]
    assert animate(wide, speech, "-o", out, *options) == ExitStatus.OK
    made, source = frames_of(out), np.asarray(Image.open(wide))
    assert len(frame_times(out)) == 40  # 0.8 s
    assert probe(out).audio is not None
    changed = (made != source).any((0, -1))
    assert changed.any()
    assert not changed[300:].any()
    assert not changed[:, :60].any()
    assert np.array_equal(made[0], made[1])  # two frames of 50 show one of 25


def test_crops_go_back_into_the_picture(
    wide: Path, speech: Path, weights: Path, tmp_path: Path
) -> None:
    crops, out = tmp_path / "crops.mkv", tmp_path / "out.mkv"
    options = ["--model", weights, "--steps", 1, "--guidance", 1, "--region", "none"]
    assert animate(wide, speech, "--emit", "crops", "-o", crops, *options) == ExitStatus.OK
    assert frames_of(crops).shape == (20, 32, 32, 3)
    again = ["render", crops, wide, "-o", out, "--video-codec", "ffv1"]
    assert run([str(word) for word in again]) == ExitStatus.OK
    assert frames_of(out).shape == (20, 360, 512, 3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--emit", "motion"], "makes no motion"),
        (["--codec", "mesh"], "takes no --codec"),
        (["--head-motion", "2"], "--head-motion"),
        (["--set", "model.window=4"], "fixed by its weights"),
    ],
)
def test_what_it_cannot_do_is_refused(
    options: list[str],
    says: str,
    wide: Path,
    speech: Path,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.mkv"
    status = animate(wide, speech, "-o", out, "--model", weights, *options)
    assert status == ExitStatus.USAGE
    assert says in capsys.readouterr().err
    assert not out.exists()


def test_features_of_its_encoder_serve_as_sound(
    wide: Path, speech: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features, out = tmp_path / "f.safetensors", tmp_path / "out.mkv"
    for encoder, status in (("mel-64", ExitStatus.BAD_INPUT), ("mel", ExitStatus.OK)):
        heard = ["embed-audio", speech, "--encoder", encoder, "-o", features, "--force"]
        assert run([str(word) for word in heard]) == ExitStatus.OK
        given = ["-o", out, "--model", weights, "--steps", 1, "--guidance", 1]
        assert animate(wide, features, *given) == status
    assert "features of mel" in capsys.readouterr().err
    assert len(frame_times(out)) == 20


@pytest.mark.parametrize(("name", "says"), [("hallo", "pull hallo"), ("emo", "train it")])
def test_missing_weights_say_how_to_get_them(
    name: str,
    says: str,
    wide: Path,
    speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    out = tmp_path / "x.mp4"
    assert animate(wide, speech, "-o", out, "--model", name) == ExitStatus.WEIGHTS
    assert says in capsys.readouterr().err
    assert not out.exists()
