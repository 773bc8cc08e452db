"""What EMO is given to animate: pictures and sounds of any kind work or are refused in a line."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lipkit import config
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import frame_times
from tests.commands.conftest import untrained

QUICK = ("--steps", 1, "--guidance", 1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the tiny preset's design."""
    tables = config.load_preset("tiny-emo").tables
    return untrained("emo", tables, tmp_path_factory.mktemp("run") / "weights.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="module")
def short(folder: Path) -> Path:
    """A fifth of a second of noise."""
    return sound(folder / "short.wav", 3200)


def sound(
    path: Path, samples: int, rate: int = 16000, channels: int = 1, level: int = 3000
) -> Path:
    rng = np.random.default_rng(0)
    data = rng.integers(-level, level + 1, (samples, channels)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(data.tobytes())
    return path


def animate(*arguments: object) -> int:
    return run(["animate", *map(str, arguments)])


def turned(picture: Image.Image, path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6  # a quarter turn clockwise is due
    picture.rotate(90, expand=True).save(path, exif=tags)


def pictures(face: Image.Image, kind: str, folder: Path) -> tuple[Path, tuple[int, int]]:
    """A picture of a kind, and the size of the video that it becomes."""
    path = folder / f"{kind}.png"
    width, height = face.size
    if kind == "grey":
        face.convert("L").save(path)
    elif kind == "alpha":
        face.convert("RGBA").save(path)
    elif kind == "border":  # the face leaves the picture at the left and the top
        face = face.crop((185, 40, 400, 300))
        face.save(path)
    elif kind == "wide":
        wide = Image.new("RGB", (3 * width, height))
        wide.paste(face, (width, 0))
        face = wide
        face.save(path)
    elif kind == "tiny":
        small = face.resize((width // 4, height // 4))
        face = Image.new("RGB", (width, height), (90, 90, 90))
        face.paste(small, (40, 60))
        face.save(path)
    elif kind == "two":
        both = Image.new("RGB", (2 * width, height))
        both.paste(face, (0, 0))
        both.paste(face, (width, 0))
        face = both
        face.save(path)
    elif kind == "turned":
        path = path.with_suffix(".jpg")
        turned(face, path)
    elif kind == "moving":
        path = path.with_suffix(".gif")
        face.save(path, save_all=True, append_images=[face.rotate(5)])
    return path, face.size


KINDS = ("grey", "alpha", "border", "wide", "tiny", "two", "turned", "moving")


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_many_kinds_talk(
    kind: str, astronaut: np.ndarray, short: Path, weights: Path, folder: Path, tmp_path: Path
) -> None:
    picture, size = pictures(Image.fromarray(astronaut[:400]), kind, folder)
    out = tmp_path / "out.mp4"
    assert animate(picture, short, "-o", out, "--model", weights, *QUICK) == ExitStatus.OK
    video = probe(out).video
    even = tuple(side - side % 2 for side in size)
    assert (video.width, video.height) in (size, even)
    assert len(frame_times(out)) == 5


def test_a_picture_of_8k_is_reduced(
    astronaut: np.ndarray, short: Path, weights: Path, tmp_path: Path
) -> None:
    large, out = tmp_path / "large.jpg", tmp_path / "out.mp4"
    Image.fromarray(astronaut).resize((7680, 7680)).save(large, quality=30)
    given = ["--model", weights, "--max-side", 512, *QUICK]
    assert animate(large, short, "-o", out, *given) == ExitStatus.OK
    assert probe(out).video.width == 512


def test_a_picture_without_a_face_is_refused(
    short: Path, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, out = tmp_path / "plain.png", tmp_path / "out.mp4"
    Image.new("RGB", (256, 256), (80, 120, 60)).save(plain)
    status = animate(plain, short, "-o", out, "--model", weights)
    assert status == ExitStatus.BAD_INPUT
    assert "no face found" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("samples", "rate", "channels", "level", "frames"),
    [
        (3200, 16000, 1, 0, 5),  # silence
        (1600, 8000, 1, 3000, 5),
        (9600, 48000, 6, 3000, 5),  # 5.1
    ],
)
def test_sounds_of_many_kinds_are_heard(
    samples: int,
    rate: int,
    channels: int,
    level: int,
    frames: int,
    astronaut: np.ndarray,
    weights: Path,
    tmp_path: Path,
) -> None:
    face, out = tmp_path / "face.png", tmp_path / "out.mp4"
    Image.fromarray(astronaut[:400]).save(face)
    heard = sound(tmp_path / "x.wav", samples, rate, channels, level)
    assert animate(face, heard, "-o", out, "--model", weights, *QUICK) == ExitStatus.OK
    assert len(frame_times(out)) == frames


def test_an_empty_sound_is_refused(
    astronaut: np.ndarray, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    face, out = tmp_path / "face.png", tmp_path / "out.mp4"
    Image.fromarray(astronaut[:400]).save(face)
    heard = sound(tmp_path / "empty.wav", 0)
    status = animate(face, heard, "-o", out, "--model", weights, *QUICK)
    assert status == ExitStatus.BAD_INPUT
    assert "empty.wav" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("region", ["box", "wide", "tall", "none"])
def test_heads_may_go_where_they_are_allowed(
    region: str, astronaut: np.ndarray, short: Path, weights: Path, tmp_path: Path
) -> None:
    face, out = tmp_path / "face.png", tmp_path / "out.mp4"
    Image.fromarray(astronaut[:400]).save(face)
    asked = ["--region", region, "--set", "controls.speed=[0.1, 1.2]", "--set", "controls.lips=0.5"]
    assert animate(face, short, "-o", out, "--model", weights, *asked, *QUICK) == ExitStatus.OK
    assert len(frame_times(out)) == 5
