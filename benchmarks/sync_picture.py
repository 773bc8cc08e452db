"""The picture of sync in the README: ``python -m benchmarks.sync_picture docs/images/sync.jpg``.

A photograph is made to talk, and the video is given other words. Frames of both at the same times,
each mouth below its frame: nothing but what the package ships goes in.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image

from benchmarks.sheet import tile
from lipkit import cli
from lipkit.media.video import read_frames

SECONDS = 4.0
SIDE, MOUTH = 150, 150  # pixels of a tile: face, mouth
GAP = 6


def other_words(path: Path, out: Path, seconds: float) -> tuple[Path, Path]:
    """Two recordings of so many seconds, cut from the start and the end of the one in ``path``."""
    wave, rate = soundfile.read(path)
    count = round(seconds * rate)
    first, second = out / "first.wav", out / "second.wav"
    soundfile.write(first, wave[:count], rate)
    soundfile.write(second, wave[-count:], rate)
    return first, second


def lipkit(*arguments: object) -> None:
    """Run one command line of lipkit; end with its status if it fails."""
    status = cli.run([str(argument) for argument in arguments])
    if status:
        sys.exit(status)


def frames_at(path: Path, rows: NDArray[Any]) -> list[NDArray[Any]]:
    """The frames ``rows`` of a video."""
    frames = np.concatenate(list(read_frames(path)))
    return [frames[row] for row in rows]


def strip(frames: list[NDArray[Any]]) -> NDArray[Any]:
    """The face in each frame, and its mouth below."""
    return np.vstack([
        tile(frames, zoom, side, len(frames)) for zoom, side in (("face", SIDE), ("mouth", MOUTH))
    ])  # fmt: skip


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--columns", type=int, default=8)
    options = parser.parse_args()
    assets = Path(str(resources.files("lipkit") / "assets"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = other_words(assets / "speech.flac", folder, SECONDS)
        talk, dubbed = folder / "talk.mp4", folder / "dubbed.mp4"
        lipkit("animate", assets / "astronaut.png", first, "-o", talk, "-q")
        lipkit("sync", talk, second, "-o", dubbed, "-q")
        rows = np.linspace(10, 25 * SECONDS - 10, options.columns).astype(int)
        rows_of_tiles = [strip(frames_at(path, rows)) for path in (talk, dubbed)]
    white = np.full((GAP, rows_of_tiles[0].shape[1], 3), 255, np.uint8)
    picture = np.vstack([rows_of_tiles[0], white, rows_of_tiles[1]])
    Image.fromarray(picture).save(options.picture, quality=84)


if __name__ == "__main__":
    main()
