"""``lipkit align``, as a user calls it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from lipkit import cli
from lipkit.artifacts.clip import read_clip
from lipkit.faces import mesh
from lipkit.faces.geometry import Geometry
from lipkit.faces.warping import invert, warp
from lipkit.media.audio import read_wave
from lipkit.media.video import AudioTrack, VideoWriter, frame_times

# Uneven stamps, as phones write them.
TIMES = [Fraction(n, 1000) for n in np.cumsum([0, *[33, 40, 34, 50] * 5]).tolist()]


def film(path: Path, picture: np.ndarray, blank: range = range(0), sound: bool = True) -> Path:
    """A video of a head that moves a little; grey in the frames of ``blank``."""
    frames = []
    for i in range(len(TIMES)):
        shift = np.array([[1.0, 0, -90 + 2.0 * i], [0, 1.0, -10 + 0.5 * i]])
        frame = warp(picture, shift, (256, 256))
        frames.append(np.full_like(frame, 110) if i in blank else frame)
    track = None
    if sound:
        wave = path.with_suffix(".wav")
        soundfile.write(wave, 0.1 * np.sin(np.arange(35000) / 10), 44100)
        track = AudioTrack(wave)
    with VideoWriter(path, size=(256, 256), times=TIMES, audio=track) as writer:
        writer.write(np.stack(frames))
    return path


@pytest.fixture(scope="session")
def talk(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "talk.mp4", astronaut)


@pytest.fixture(scope="session")
def hidden(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The face is away for 8 frames, too long to be bridged."""
    path = tmp_path_factory.mktemp("film") / "hidden.mp4"
    return film(path, astronaut, range(4, 20), sound=False)


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "nobody.png"
    Image.new("RGB", (120, 90), (90, 120, 60)).save(path)
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["align", *map(str, arguments)])
    return int(ended.value.code or 0)


def opened(path: Path) -> tuple[Geometry, np.ndarray]:
    clip = read_clip(path)
    geometry = Geometry.from_tensors(clip.tensors, clip.header)
    return geometry, np.concatenate(list(clip.frames()))


def test_a_video_becomes_a_clip(talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.mkv"
    assert run(talk, "-o", out, "--size", 160) == 0
    geometry, crops = opened(out)
    assert crops.shape == (len(TIMES), 160, 160, 3)
    assert geometry.valid.all()
    assert (geometry.scheme, geometry.template, geometry.tracker) == (
        "mediapipe478",
        "square",
        "mediapipe",
    )
    assert geometry.frame_size == (256, 256)
    assert geometry.times == frame_times(talk)
    assert frame_times(out) == pytest.approx([float(t) for t in TIMES], abs=0.001)
    assert len(read_wave(out)) == pytest.approx(len(read_wave(talk)), abs=1600)
    eyes = geometry.crop_points[:, [mesh.LEFT_EYE.iris[0], mesh.RIGHT_EYE.iris[0]], :2].mean(1)
    assert eyes.std(0).max() < 1.0  # it moved by 40 pixels in the source
    assert read_clip(out).provenance["inputs"][0]["name"] == "talk.mp4"


def test_a_crop_goes_back_to_where_it_came_from(talk: Path, tmp_path: Path) -> None:
    from lipkit.media.video import read_frames

    out = tmp_path / "clip.mkv"
    assert run(talk, "-o", out, "--size", 320) == 0
    geometry, crops = opened(out)
    source = np.concatenate(list(read_frames(talk)))
    x0, y0, x1, y1 = (int(v) for v in geometry.box[9])
    back = warp(crops[9], invert(geometry.matrix[9]), geometry.frame_size)
    difference = back[y0:y1, x0:x1].astype(int) - source[9, y0:y1, x0:x1]
    assert np.abs(difference).mean() < 3


def test_a_picture_becomes_a_clip_of_one_frame(portrait: Path, tmp_path: Path) -> None:
    out = tmp_path / "still.mkv"
    assert run(portrait, "-o", out, "--template", "portrait", "--size", 128) == 0
    geometry, crops = opened(out)
    assert crops.shape == (1, 128, 128, 3)
    assert geometry.valid.tolist() == [True]
    assert geometry.frame_size == (224, 256)


@pytest.mark.parametrize(("on_missing", "valid"), [("pass", 5), ("hold", 21)])
def test_frames_without_a_face_do_not_stop_the_job(
    hidden: Path, tmp_path: Path, on_missing: str, valid: int, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "clip.mkv"
    assert run(hidden, "-o", out, "--size", 64, "--on-missing", on_missing) == 0
    geometry, crops = opened(out)
    assert len(crops) == len(TIMES)
    said = capsys.readouterr().err
    assert "hidden.mp4: no face in frames 4-19 (0:00.16)" in said
    assert "--on-missing" in said
    assert geometry.valid.sum() == valid
    held = (geometry.matrix[10] == geometry.matrix[3]).all()
    assert held == (on_missing == "hold")


def test_frames_without_a_face_can_be_refused(
    hidden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(hidden, "-o", tmp_path / "clip.mkv", "--on-missing", "fail") == 4
    assert "no face in frames 4-19" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nobody_there(nobody: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(nobody, "-o", tmp_path / "clip.mkv") == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert "no face found in" in line
    assert "nobody.png" in line
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="session")
def couple(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face and, smaller on the right, another: mirrored and of other colours."""
    head = Image.fromarray(astronaut[20:270, 90:340])
    both = Image.new("RGB", (520, 260), (80, 90, 100))
    both.paste(head, (5, 5))
    other = Image.fromarray(astronaut[20:270, 90:340][:, ::-1, ::-1].copy())
    both.paste(other.resize((160, 160)), (330, 50))
    path = tmp_path_factory.mktemp("couple") / "couple.png"
    both.save(path)
    return path


@pytest.mark.parametrize(
    ("face", "left"),
    [("largest", True), ("left", True), ("1", True), ("right", False), ("2", False)],
)
def test_which_face(couple: Path, tmp_path: Path, face: str, left: bool) -> None:
    out = tmp_path / "clip.mkv"
    assert run(couple, "-o", out, "--size", 64, "--face", face) == 0
    geometry, _ = opened(out)
    assert bool(geometry.box[0, 2] < 260) == left


def test_a_face_like_the_one_in_a_picture(couple: Path, portrait: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.mkv"
    assert run(couple, "-o", out, "--size", 64, "--face", portrait) == 0
    assert opened(out)[0].box[0, 2] < 260


@pytest.mark.parametrize(
    ("face", "status", "words"),
    [
        ("3", 4, "no face 3, it shows at most 2"),
        ("0", 2, "count from 1"),
        ("nearest", 2, "no such picture"),
    ],
)
def test_a_choice_that_cannot_be_met(
    couple: Path,
    tmp_path: Path,
    face: str,
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(couple, "-o", tmp_path / "clip.mkv", "--face", face) == status
    assert words in capsys.readouterr().err


def test_landmarks_of_ones_own(nobody: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps([{"box": [30, 20, 80, 75]}]))
    out = tmp_path / "clip.mkv"
    assert run(nobody, "-o", out, "--size", 48, "--landmarks", boxes) == 0
    geometry, _ = opened(out)
    assert (geometry.scheme, geometry.tracker) == ("five", "file")
    assert geometry.box[0].tolist() == [30, 20, 80, 75]


def test_a_small_file_for_data_sets(talk: Path, tmp_path: Path) -> None:
    lossless, small = tmp_path / "a.mkv", tmp_path / "b.mkv"
    assert run(talk, "-o", lossless, "--size", 128) == 0
    assert run(talk, "-o", small, "--size", 128, "--codec", "h264", "--crf", 23) == 0
    assert read_clip(small).video.codec == "h264"
    assert read_clip(lossless).video.codec == "ffv1"
    assert small.stat().st_size < lossless.stat().st_size
    assert len(opened(small)[1]) == len(TIMES)


def test_equal_inputs_give_equal_bytes(talk: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.mkv", tmp_path / "b.mkv"
    assert run(talk, "-o", first, "--size", 64) == run(talk, "-o", second, "--size", 64) == 0
    assert first.read_bytes() == second.read_bytes()


def test_a_batch_of_a_folder(
    talk: Path, portrait: Path, nobody: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (talk, portrait, nobody):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "notes.txt").write_text("not media")
    (folder / "empty.mp4").touch()
    arguments: list[Any] = [folder, "--out-dir", tmp_path / "out", "--size", 48]
    assert run(*arguments) == 3
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {Path(row["inputs"][0]).name: row for row in rows}
    assert {name: row["status"] for name, row in found.items()} == {
        "talk.mp4": "ok",
        "face with space.png": "ok",
        "nobody.png": "failed",
    }
    assert found["talk.mp4"]["frames"] == len(TIMES)
    assert found["nobody.png"]["exit"] == 4
    assert run(*arguments, "--skip-existing") == 3
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["status"] for row in rows) == ["failed", "skipped", "skipped"]


def test_pipes_from_end_to_end(talk: Path) -> None:
    def lipkit(*arguments: str, data: bytes) -> bytes:
        command = [sys.executable, "-W", "error", "-m", "lipkit", *arguments]
        done = subprocess.run(command, input=data, capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout

    clip = lipkit("align", "-", "-o", "-", "--size", "64", data=talk.read_bytes())
    about = json.loads(lipkit("info", "-", data=clip))
    assert about["kind"] == "clip"
    assert about["geometry"]["frames"] == len(TIMES)


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 4, "empty"),
        (b"just words", 4, "neither a video nor a picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), 4, "picture"),
    ],
)
def test_files_that_are_no_media(
    content: bytes, status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(content)
    assert run(path, "-o", tmp_path / "clip.mkv") == status
    (line,) = capsys.readouterr().err.splitlines()
    assert "face.jpg" in line
    assert words in line


def test_a_sound_is_no_picture(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(speech, "-o", tmp_path / "clip.mkv") == 4
    assert "it looks like audio" in capsys.readouterr().err


def test_a_picture_cut_short(
    astronaut: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = io.BytesIO()
    Image.fromarray(astronaut).save(whole, "png")
    path = tmp_path / "short.png"
    path.write_bytes(whole.getvalue()[:50_000])
    assert run(path, "-o", tmp_path / "clip.mkv") == 4
    assert "short.png" in capsys.readouterr().err


def test_usage(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(talk) == 2
    assert run(talk, "-o", tmp_path / "a.mkv", "--tracker", "file") == 2
    assert "--landmarks" in capsys.readouterr().err
    (tmp_path / "a.mkv").touch()
    assert run(talk, "-o", tmp_path / "a.mkv") == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "a.mkv").stat().st_size == 0
