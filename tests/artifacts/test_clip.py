"""Clips: geometry, crops, sound and history in, the same out, through files and pipes."""

from __future__ import annotations

import io
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.artifacts.clip import open_clip_writer, read_clip
from lipkit.artifacts.sniff import GEOMETRY_NAME, Kind, sniff
from lipkit.errors import BadInput
from lipkit.media.ffmpeg import run
from lipkit.media.source import open_source
from lipkit.media.video import AudioTrack, Encode, VideoWriter, frame_times

COUNT = 12
TIMES = [k * Fraction(1001, 30000) for k in range(COUNT)]
HISTORY = {"verb": "align", "inputs": [{"name": 'a "b"\n=;#\\ \u00e9'}]}


def geometry() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "matrix": rng.normal(size=(COUNT, 2, 3)),
        "points": rng.normal(size=(COUNT, 478, 3)).astype(np.float32),
        "valid": np.arange(COUNT) % 3 > 0,
    }


def crops() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (COUNT, 48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "s.m4a"
    run(["-v", "error", "-f", "lavfi", "-i", "sine=duration=0.4:sample_rate=44100", str(path)])
    return path


def write(path: Path | None, sound: Path | None, **options: object) -> None:
    writer = open_clip_writer(
        path,
        geometry(),
        {"template": "square"},
        size=(64, 48),
        times=TIMES,
        audio=None if sound is None else AudioTrack(sound),
        provenance=HISTORY,
        **options,
    )
    with writer:
        writer.write(crops()[:5])
        writer.write(crops()[5:])


def check(path: Path) -> None:
    assert sniff(path) is Kind.CLIP
    clip = read_clip(path)
    assert np.array_equal(np.concatenate(list(clip.frames(chunk=5))), crops())
    assert all(np.array_equal(clip.tensors[name], t) for name, t in geometry().items())
    assert clip.header == {"kind": "geometry", "schema": 1, "template": "square"}
    assert clip.provenance == HISTORY
    assert clip.count == COUNT
    assert clip.audio is not None
    assert clip.info.audio.codec == "aac"
    assert frame_times(path) == TIMES


def test_file(tmp_path: Path, sound: Path) -> None:
    write(tmp_path / "a.mkv", sound)
    check(tmp_path / "a.mkv")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mkv"]


def test_pipe(tmp_path: Path, sound: Path, monkeypatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    write(None, sound)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(out.getvalue())))
    with open_source("-") as path:
        check(path)


def test_geometry_stands_before_the_frames(tmp_path: Path, sound: Path) -> None:
    write(tmp_path / "a.mkv", sound)
    data = (tmp_path / "a.mkv").read_bytes()
    assert data.index(GEOMETRY_NAME.encode()) < data.index(b"\x1f\x43\xb6\x75")


def test_h264_without_sound(tmp_path: Path) -> None:
    write(tmp_path / "a.mkv", None, encode=Encode(codec="h264", crf=30))
    clip = read_clip(tmp_path / "a.mkv")
    assert clip.video.codec == "h264"
    assert clip.audio is None
    assert sum(len(f) for f in clip.frames()) == COUNT


def test_plain_video_is_no_clip(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "v.mkv", size=(64, 48), fps=25) as writer:
        writer.write(crops())
    with pytest.raises(BadInput, match=r"v\.mkv: a video, but no clip.*run lipkit align first"):
        read_clip(tmp_path / "v.mkv")


def test_damaged_geometry(tmp_path: Path) -> None:
    attachments = {"notes.txt": b"hello", GEOMETRY_NAME: b"not a tensor file"}
    path = tmp_path / "v.mkv"
    with VideoWriter(path, size=(64, 48), fps=25, attachments=attachments) as writer:
        writer.write(crops())
    with pytest.raises(BadInput, match=r"v\.mkv:geometry\.safetensors: not a safetensors file"):
        read_clip(path)


def test_clip_that_breaks_off(tmp_path: Path, sound: Path) -> None:
    write(tmp_path / "a.mkv", sound)
    data = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "b.mkv").write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(BadInput, match=r"b\.mkv: \d+ frames, but geometry of 12"):
        list(read_clip(tmp_path / "b.mkv").frames())
