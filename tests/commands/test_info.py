"""``lipkit info`` on every kind of file, good and bad, alone and in rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from lipkit.artifacts.clip import open_clip_writer
from lipkit.artifacts.tensors import write_tensors
from lipkit.cli import run
from lipkit.media.ffmpeg import run as ffmpeg
from lipkit.media.video import Encode, VideoWriter

HISTORY = {"verb": "align", "tool": "lipkit"}


def gray(count: int) -> np.ndarray:
    return np.full((count, 48, 64, 3), 128, np.uint8)


def make_clip(path: Path) -> None:
    tensors = {
        "matrix": np.zeros((4, 2, 3)),
        "valid": np.array([True, False, True, True]),
        "shot": np.array([0, 0, 1, 1]),
    }
    header = {"template": "square", "fps": "25"}
    times = [Fraction(k, 25) for k in range(4)]
    writer = open_clip_writer(path, tensors, header, size=(64, 48), times=times, provenance=HISTORY)
    with writer:
        writer.write(gray(4))


def make_video(path: Path) -> None:
    tags = {"lipkit": json.dumps(HISTORY)}
    encode = Encode(container="mp4")
    fps = Fraction(30000, 1001)
    with VideoWriter(path, size=(64, 48), fps=fps, encode=encode, metadata=tags) as writer:
        writer.write(gray(30))


def make_sound(path: Path) -> None:
    ffmpeg(["-v", "error", "-f", "lavfi", "-i", "sine=duration=2", "-f", "wav", f"file:{path}"])


def make_picture(path: Path) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = 6
    Pictures.new("RGB", (40, 30)).save(path, "JPEG", exif=exif)


def make_motion(path: Path) -> None:
    header = {"codec": "mesh", "provenance": HISTORY}
    write_tensors(path, "motion", {"motion": np.zeros((5, 15), np.float32)}, header)


def make_weights(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((3, 4)), "b": np.zeros(5)}, path, {"format": "np"})


EXPECTED = [
    (make_clip, {"kind": "clip", "provenance": HISTORY}),
    (make_video, {"kind": "video", "seconds": 1.0, "provenance": HISTORY}),
    (make_sound, {"kind": "audio", "seconds": 2.0}),
    (make_picture, {"kind": "image", "width": 30, "height": 40, "format": "JPEG"}),
    (make_motion, {"kind": "motion", "schema": 1, "header": {"codec": "mesh"}}),
    (make_weights, {"kind": "weights", "parameters": 17, "metadata": {"format": "np"}}),
    (lambda path: path.write_text("a\nb\n"), {"kind": "text", "lines": 2}),
]


@pytest.mark.parametrize(("make", "expected"), EXPECTED, ids=[e["kind"] for _, e in EXPECTED])
def test_kinds(tmp_path: Path, capsys, make, expected: dict) -> None:
    path = tmp_path / "misnamed.bin"
    make(path)
    assert run(["info", str(path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {name: shown[name] for name in expected} == expected
    assert shown["input"] == str(path)
    assert shown["bytes"] == path.stat().st_size


def test_clip_tells_of_its_geometry(tmp_path: Path, capsys) -> None:
    make_clip(tmp_path / "a.mkv")
    run(["info", str(tmp_path / "a.mkv")])
    geometry = json.loads(capsys.readouterr().out)["geometry"]
    assert (geometry["template"], geometry["frames"]) == ("square", 4)
    assert (geometry["valid"], geometry["shots"]) == (0.75, 2)
    assert geometry["tensors"]["matrix"] == [4, 2, 3]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, capsys) -> None:
    make_sound(tmp_path / "a.wav")
    (tmp_path / "b.mp4").write_bytes(bytes(100))
    assert run(["info", *(str(tmp_path / n) for n in ("none", "a.wav", "b.mp4"))]) == 3
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    assert ["error" in row for row in rows] == [True, False, True]
    assert "none: no such file" in err


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (None, 4, "a.mp4: no such file"),
        (b"", 4, "a.mp4: empty file"),
        (b"\x00\x00\x00\x18ftypmp42", 4, "a.mp4: not a media file"),
        (b"PK\x03\x04" + bytes(99), 4, "a.mp4: not a media file"),
    ],
)
def test_bad_file(tmp_path: Path, capsys, data: bytes | None, status: int, words: str) -> None:
    if data is not None:
        (tmp_path / "a.mp4").write_bytes(data)
    assert run(["info", str(tmp_path / "a.mp4")]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_no_input(capsys) -> None:
    assert run(["info"]) == 2
    assert "no inputs given" in capsys.readouterr().err


def test_names_from_a_file(tmp_path: Path, capsys) -> None:
    names = [tmp_path / "new\nline.wav", tmp_path / "-dash.wav"]
    for name in names:
        make_sound(name)
    (tmp_path / "list").write_bytes(b"\0".join(os.fsencode(n) for n in names))
    assert run(["info", "--files-from", str(tmp_path / "list"), "-0"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["input"] for row in rows] == [str(n) for n in names]


def test_pipe_and_reader_that_goes_away(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mkv")
    command = [sys.executable, "-m", "lipkit", "info", "-"]
    with (tmp_path / "a.mkv").open("rb") as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, check=True)
    assert json.loads(done.stdout)["kind"] == "clip"
    broken = subprocess.run(command, input=b"\x00junk", capture_output=True, check=False)
    assert broken.returncode == 4
    assert b"standard input: not a media file" in broken.stderr
