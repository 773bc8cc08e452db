"""VASA-1 from nothing to a talking portrait, on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipkit.artifacts.motion import read_motion
from lipkit.cli import run as lipkit
from lipkit.commands import _drive, _model
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import VideoWriter
from lipkit.models.vasa.codecs.megaportraits import stages
from tests.commands.conftest import frames_of

DATA = "toy:seconds=1.6,people=3,takes=3,held_out=2"
STAGES = ("pose", "codec", "codec_hr", "generator")
SMALL = (
    *(f"train.{name}.{key}" for name in STAGES for key in ("batch=2", "log_every=1")),
    "train.base.loss.deceit=1.0",
    "train.base.loss.features=4.0",
    "model.codec.enhancer.enlargement=2",
    "model.codec.enhancer.widths=[8,8]",
    "model.codec.enhancer.decoder.body=8",
    "model.codec.enhancer.decoder.blocks=1",
    "model.codec.enhancer.decoder.widths=[8,8]",
)


def run(*arguments: object) -> int:
    return lipkit(list(map(str, arguments)))


@pytest.fixture(autouse=True)
def forgotten() -> None:
    _model.load.cache_clear()
    _drive.codec_of.cache_clear()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps of every stage."""
    folder = tmp_path_factory.mktemp("vasa1") / "run"
    sets = [part for key in SMALL for part in ("--set", key)]
    given = ("--preset", "tiny-vasa1", "--data", DATA, "--max-steps", 2, "-q", *sets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "CHECKED", 1)
        assert run("train", "vasa1", *given, "-o", folder) == 0
    return folder


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    import soundfile

    path = tmp_path / "speech.wav"
    noise = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    soundfile.write(path, 0.1 * noise, 16000)
    return path


def test_a_portrait_talks(trained: Path, portrait: Path, speech: Path, tmp_path: Path) -> None:
    made = tmp_path / "talk.mp4"
    asked = ("--set", "controls.gaze=[10.0,0.0]", "--set", "controls.distance=0.1")
    given = ("--model", trained, "--codec", "megaportraits", "--steps", 2, *asked)
    assert run("animate", portrait, speech, *given, "-o", made) == 0
    info = probe(made).video
    assert info is not None
    assert info.size == (224, 256)
    assert len(frames_of(made)) == 12


def test_motion_says_its_layout_and_is_drawn_by_the_run(
    trained: Path, portrait: Path, speech: Path, tmp_path: Path, tiny_model: Path
) -> None:
    kept, made = tmp_path / "m.safetensors", tmp_path / "talk.mp4"
    given = ("--model", trained, "--steps", 2, "--emit", "motion")
    assert run("animate", portrait, speech, *given, "-o", kept) == 0
    motion = read_motion(kept)
    assert motion.layout.codec == "megaportraits"
    assert motion.data.shape == (12, 39)
    assert run("render", kept, portrait, "-o", made) == ExitStatus.WEIGHTS
    assert run("render", kept, portrait, "--codec", tiny_model, "-o", made) == ExitStatus.USAGE
    assert run("render", kept, portrait, "--codec", trained, "-o", made) == 0
    assert len(frames_of(made)) == 12


def test_a_portrait_follows_a_video(
    trained: Path, portrait: Path, tmp_path: Path, astronaut: np.ndarray
) -> None:
    actor, made = tmp_path / "actor.mp4", tmp_path / "made.mp4"
    with VideoWriter(actor, size=(300, 300), fps=25) as out:
        out.write(np.stack([np.roll(astronaut[:300, 80:380], 3 * k, 1) for k in range(3)]))
    assert run("animate", portrait, "--drive", actor, "--model", trained, "-o", made) == 0
    assert len(frames_of(made)) == 3
