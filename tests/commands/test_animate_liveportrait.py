"""Portraits that follow a video, or JoyVASA's speech, by toy weights in the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipkit import config
from lipkit.artifacts.motion import read_motion
from lipkit.cli import run as lipkit
from lipkit.commands import _drive, _model
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import VideoWriter, read_frames
from tests.commands.conftest import untrained

MODELS = ("liveportrait", "joyvasa")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with toy weights under the released ones' names."""
    folder = tmp_path_factory.mktemp("weights")
    for name in MODELS:
        preset = config.load_preset(f"tiny-{name}")
        untrained(preset.family, preset.tables, folder / f"{name}.safetensors", name)
    return folder


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """What one command loaded would serve the next one in this process."""
    _model.load.cache_clear()
    _drive.codec_of.cache_clear()


@pytest.fixture
def stocked(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(store))


@pytest.fixture(scope="module")
def actor(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    """A video of a face that moves aside."""
    path = tmp_path_factory.mktemp("actor") / "actor.mp4"
    frames = np.stack([np.roll(astronaut[:300, 80:380], 3 * i, axis=1) for i in range(5)])
    with VideoWriter(path, size=(300, 300), fps=30) as out:
        out.write(frames)
    return path


def run(*arguments: object) -> int:
    return lipkit(list(map(str, arguments)))


@pytest.mark.usefixtures("stocked")
def test_a_portrait_follows_a_video(portrait: Path, actor: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.mp4"
    assert run("animate", portrait, "--drive", actor, "-o", made) == 0
    info = probe(made).video
    assert info is not None
    assert (info.size, info.fps) == ((224, 256), 30)
    assert len(np.concatenate(list(read_frames(made)))) == 5


@pytest.mark.usefixtures("stocked")
def test_motion_of_a_video_can_be_kept_and_drawn_later(
    portrait: Path, actor: Path, tmp_path: Path
) -> None:
    motion, at_once, later = (tmp_path / name for name in ("m.safetensors", "a.mkv", "b.mkv"))
    lossless = ("--video-codec", "ffv1")
    assert run("animate", portrait, "--drive", actor, "--emit", "motion", "-o", motion) == 0
    assert read_motion(motion).layout.codec == "liveportrait"
    assert run("animate", portrait, "--drive", actor, "-o", at_once, *lossless) == 0
    assert run("render", motion, portrait, "-o", later, *lossless) == 0
    one, other = (np.concatenate(list(read_frames(path))) for path in (at_once, later))
    assert np.array_equal(one, other)


@pytest.mark.usefixtures("stocked")
def test_joyvasa_speaks_through_liveportrait(portrait: Path, speech: Path, tmp_path: Path) -> None:
    motion, made = tmp_path / "m.safetensors", tmp_path / "made.mp4"
    speaks = ("animate", portrait, speech, "--model", "joyvasa")
    assert run(*speaks, "--emit", "motion", "--seed", 1, "-o", motion) == 0
    kept = read_motion(motion)
    assert kept.layout.codec == "liveportrait"
    assert kept.sound is not None
    assert run(*speaks, "-o", made) == 0
    assert probe(made).audio is not None


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--model", "joyvasa", "--codec", "mesh"), ExitStatus.USAGE, "codec liveportrait"),
        (("--model", "builtin", "--codec", "liveportrait"), ExitStatus.USAGE, "codec mesh"),
        (("--model", "liveportrait"), ExitStatus.USAGE, "--drive"),
    ],
)
def test_what_does_not_go_together_is_refused(
    portrait: Path,
    speech: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    assert run("animate", portrait, speech, "-o", tmp_path / "x.mp4", *arguments) == status
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("stocked")
def test_pictures_and_sounds_are_nothing_to_follow(
    portrait: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for driver in (portrait, speech):
        line = ("animate", portrait, "--drive", driver, "-o", tmp_path / "x.mp4")
        assert run(*line) == ExitStatus.BAD_INPUT
        assert driver.name in capsys.readouterr().err


def test_the_default_follows_a_video_where_no_other_model_is_at_hand(
    portrait: Path,
    actor: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    motion, made = tmp_path / "m.safetensors", tmp_path / "made.mp4"
    assert run("animate", portrait, "--drive", actor, "--emit", "motion", "-o", motion) == 0
    assert "lipkit models pull liveportrait" in capsys.readouterr().err
    kept = read_motion(motion)
    assert (kept.layout.codec, len(kept.data), kept.fps) == ("mesh", 5, 30)
    sideways = kept.data[:, kept.layout.index("x")]
    assert sideways[0] == 0
    assert (np.diff(sideways) > 0).all()  # the actor moves to image-right
    assert run("render", motion, portrait, "-o", made) == 0
    assert len(np.concatenate(list(read_frames(made)))) == 5


@pytest.mark.usefixtures("stocked")
def test_faces_can_be_taken_over_as_they_are(portrait: Path, actor: Path, tmp_path: Path) -> None:
    kept = []
    for mode in ("relative", "absolute"):
        motion, made = tmp_path / f"{mode}.safetensors", tmp_path / f"{mode}.mkv"
        line = ("animate", portrait, "--drive", actor, "--set", f"sampling.mode={mode}")
        assert run(*line, "--emit", "motion", "-o", motion) == 0
        assert run("render", motion, portrait, "-o", made, "--video-codec", "ffv1") == 0
        kept.append((read_motion(motion).data, np.concatenate(list(read_frames(made)))))
    (changes, one), (entire, other) = kept
    assert np.allclose(changes[0, :63], 0, atol=1e-4)
    assert np.abs(entire[0, :63]).max() > 1e-3
    assert not np.array_equal(one, other)


def test_missing_weights_are_named_with_their_source(
    portrait: Path,
    actor: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    line = ("animate", portrait, "--drive", actor, "--model", "liveportrait")
    assert run(*line, "-o", tmp_path / "x.mp4") == ExitStatus.WEIGHTS
    assert "lipkit models pull liveportrait" in capsys.readouterr().err


def test_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "list", "--json") == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert set(MODELS) <= {row["name"] for row in rows}
