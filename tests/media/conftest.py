"""Small media made by ffmpeg itself, and a way to make more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lipkit.media.ffmpeg import run

Make = Callable[..., Path]

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1")
SOUND = ("-f", "lavfi", "-i", "sine=440:sample_rate=44100:duration=1")


def ffmpeg(path: Path, *args: str) -> Path:
    """Run ffmpeg with ``args`` into ``path``."""
    run(["-hide_banner", "-nostdin", "-loglevel", "error", "-y", *args, f"file:{path}"])
    return path


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes the file ``name`` by ffmpeg under further arguments."""
    return lambda name, *args: ffmpeg(tmp_path / name, *args)


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of H.264 at 25 frames a second with AAC at 44.1 kHz."""
    path = tmp_path_factory.mktemp("media") / "talk.mp4"
    return ffmpeg(path, *PICTURE, *SOUND, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
