"""VLOGGER by the verbs: trained on cartoons, talking, editing, enlarging, personalized."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lipkit import config
from lipkit.artifacts.clip import read_clip
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import frame_times
from lipkit.models.parts.weights import read_header
from tests.commands.conftest import film_head, frames_of

SMALL = {
    "model.resolution": 16,
    "model.cascade": [32],
    "model.window": 4,
    "model.face.shape": 4,
    "model.face.expression": 4,
    "model.motion.width": 16,
    "model.motion.heads": 2,
    "model.motion.inner": 16,
    "model.motion.window": 8,
    "model.motion.context": 3,
    "model.painter.widths": [8, 16],
    "model.painter.attention": [1],
    "model.painter.heads": 2,
    "model.painter.groups": 4,
    "model.upscaler.widths": [8, 16],
    "model.upscaler.groups": 4,
    "train.faces": 2,
    "train.motion.frames": 11,
    "train.temporal.frames": 2,
    "train.patch": 16,
    **{f"train.{name}.batch": 1 for name in ("motion", "frames", "temporal", "upscale")},
}
SETS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
QUICK = ["--steps", "2", "--set", "sampling.motion_steps=2", "--set", "sampling.upscale_steps=2"]
TOYS = "toy:size=32,seconds=1,people=2,takes=2,held_out=1"


def call(*words: object) -> int:
    return run([str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one step of every stage behind it."""
    path = tmp_path_factory.mktemp("runs") / "vlogger"
    command = ["train", "vlogger", "--preset", "tiny-vlogger", *SETS, "--max-steps", 1]
    assert call(*command, "--data", TOYS, "-o", path) == ExitStatus.OK
    return path


@pytest.fixture(scope="module")
def talk(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of a head that moves a little, at 30 frames a second."""
    return film_head(tmp_path_factory.mktemp("film") / "talk.mkv", astronaut, frames=14)


def test_all_stages_but_personalization_run(trained: Path) -> None:
    steps = read_header(trained / "weights.safetensors")["origin"]["steps"]
    assert steps == {"motion": 1, "frames": 1, "temporal": 1, "upscale": 1}


def test_a_portrait_talks(trained: Path, portrait: Path, speech: Path, tmp_path: Path) -> None:
    video, crops = tmp_path / "talk.mp4", tmp_path / "crops.mkv"
    command = ["animate", portrait, speech, "--model", trained, *QUICK]
    assert call(*command, "-o", video) == ExitStatus.OK
    assert probe(video).video.size == (224, 256)
    assert len(frame_times(video)) == 20
    small = ["--set", "sampling.size=16", "--emit", "crops"]
    assert call(*command, *small, "-o", crops) == ExitStatus.OK
    assert read_clip(crops).video.size == (16, 16)
    large = ["--upscale", 32, "--upscaler", trained]
    assert call("render", crops, portrait, *large, "-o", tmp_path / "large.mp4") == ExitStatus.OK
    assert frames_of(tmp_path / "large.mp4").shape == (20, 256, 224, 3)
    assert (
        call("render", crops, portrait, "--upscale", 48, "--upscaler", trained) == ExitStatus.USAGE
    )


@pytest.mark.parametrize("part", ["mouth", "eyes"])
def test_only_a_part_of_the_face_is_edited(
    part: str, trained: Path, talk: Path, speech: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mkv"
    command = ["sync", talk, speech, "--model", trained, "--edit", part, "--video-codec", "ffv1"]
    assert call(*command, *QUICK, "--length", "video", "-o", out) == ExitStatus.OK
    before, after = frames_of(talk), frames_of(out)
    assert frame_times(out) == frame_times(talk)
    changed = (before != after).any(-1)
    assert changed.any((1, 2)).all()
    assert changed.mean() < 0.4
    height = np.nonzero(changed)[1].mean()
    assert (height > 110) == (part == "mouth")
    assert not changed[:, :, :20].any()


def test_one_person_is_learned_from_a_video(trained: Path, talk: Path, tmp_path: Path) -> None:
    me = tmp_path / "me"
    command = ["train", "vlogger", "--stage", "personalize", "--data", talk, "-o", me]
    assert call(*command, "--from", trained, "--max-steps", 1) == ExitStatus.OK
    assert (me / "clips" / "talk.mkv").is_file()
    header = read_header(me / "weights.safetensors")
    assert header["config"]["resolution"] == 16
    assert header["origin"]["steps"] == {"personalize": 1}
    calls = json.loads((me / "run.json").read_text())["calls"]
    assert calls[0]["begin"] == str(trained)


def test_what_cannot_be_begun_with_is_refused(trained: Path, tmp_path: Path) -> None:
    command = ["train", "vlogger", "--data", TOYS, "-o", tmp_path / "x", "--from", trained]
    assert call(*command, "--preset", "tiny-vlogger") == ExitStatus.USAGE
    command[1] = "emo"
    assert call(*command) == ExitStatus.USAGE


def test_models_without_super_resolution_enlarge_nothing(
    tiny_model: Path, trained: Path, portrait: Path, speech: Path, tmp_path: Path
) -> None:
    crops = tmp_path / "crops.mkv"
    command = ["animate", portrait, speech, "--model", trained, *QUICK, "--emit", "crops"]
    assert call(*command, "--set", "sampling.size=16", "-o", crops) == ExitStatus.OK
    wish = ["--upscale", 32, "--upscaler", tiny_model, "-o", tmp_path / "x.mp4"]
    assert call("render", crops, portrait, *wish) == ExitStatus.USAGE


def test_the_preset_says_how_to_get_weights(
    portrait: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["animate", portrait, speech, "--model", "vlogger", "-o", tmp_path / "x.mp4"]
    assert call(*command) == ExitStatus.WEIGHTS
    assert "lipkit train vlogger --preset vlogger" in capsys.readouterr().err
    assert config.load_preset("vlogger").weights is None
