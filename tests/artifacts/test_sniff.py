"""Kinds are told by bytes, whatever the name says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from lipkit.artifacts.sniff import Kind, sniff
from lipkit.artifacts.tensors import SCHEMAS, write_tensors
from lipkit.errors import BadInput
from lipkit.media.ffmpeg import run

VIDEO = ("-f", "lavfi", "-i", "testsrc2=size=64x48:duration=0.2")
SOUND = ("-f", "lavfi", "-i", "sine=duration=0.2")


@pytest.mark.parametrize(
    ("muxer", "args", "kind"),
    [
        ("mp4", VIDEO, Kind.VIDEO),
        ("matroska", VIDEO, Kind.VIDEO),
        ("mpegts", VIDEO, Kind.VIDEO),
        ("avi", VIDEO, Kind.VIDEO),
        ("wav", SOUND, Kind.AUDIO),
        ("mp3", SOUND, Kind.AUDIO),
        ("flac", SOUND, Kind.AUDIO),
        ("ogg", SOUND, Kind.AUDIO),
        ("ipod", SOUND, Kind.AUDIO),
        ("matroska", SOUND, Kind.AUDIO),
        ("aiff", SOUND, Kind.AUDIO),
        ("gif", VIDEO, Kind.IMAGE),
    ],
)
def test_media(tmp_path: Path, muxer: str, args: tuple[str, ...], kind: Kind) -> None:
    path = tmp_path / "misleading.txt"
    run(["-hide_banner", "-nostdin", "-v", "error", *args, "-f", muxer, f"file:{path}"])
    assert sniff(path) is kind


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_pictures(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.mp4"
    Pictures.new("RGB", (8, 8)).save(path, form)
    assert sniff(path) is Kind.IMAGE


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_tensors(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    write_tensors(path, kind, {"x": np.zeros(3)}, {})
    assert sniff(path) is Kind(kind)


def test_foreign_safetensors_are_weights(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "w"
    many = {f"layer.{k}.with.a.rather.long.name.weight": np.zeros(1) for k in range(4000)}
    save_file(many, path)
    assert sniff(path) is Kind.WEIGHTS


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"only words", Kind.TEXT),
        ("\u00e9".encode() * 200_000, Kind.TEXT),
        (b'{"json": 1}', Kind.TEXT),
        (bytes(300), Kind.UNKNOWN),
        (b"PK\x03\x04" + bytes(200), Kind.UNKNOWN),
        (b"\x80\x04\x95" + bytes(100), Kind.UNKNOWN),
        (bytes(257) + b"ustar\x00" + bytes(250), Kind.SHARDS),
    ],
)
def test_the_rest(tmp_path: Path, data: bytes, kind: Kind) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert sniff(path) is kind


def test_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        sniff(tmp_path / "none")
