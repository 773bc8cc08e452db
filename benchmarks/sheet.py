"""Contact sheets to look at: ``python -m benchmarks.sheet talk.mp4 sheet.jpg --zoom mouth``.

Frames at even distances (or from ``--start`` on, one after the other with ``--every 1``), whole or
zoomed to the face or the mouth, in rows.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.media.video import frame_times, read_frames

ZOOMS = {"face": 1.5, "mouth": 0.55}  # side of the cut in face heights


def cut(points: NDArray[Any], zoom: str) -> tuple[NDArray[Any], float]:
    """Middle and side of the square to show, from face mesh points."""
    top, chin = points[mesh.FOREHEAD, :2], points[mesh.CHIN, :2]
    height = float(np.linalg.norm(chin - top))
    lips = (points[61, :2] + points[291, :2]) / 2
    return (lips if zoom == "mouth" else (top + chin) / 2), ZOOMS[zoom] * height


def picked(path: Path, start: int, every: int, count: int) -> list[NDArray[Any]]:
    """The frames to show."""
    frames = (frame for chunk in read_frames(path) for frame in chunk)
    return list(islice(frames, start, start + every * count, every))


def tile(frames: list[NDArray[Any]], zoom: str | None, side: int, columns: int) -> NDArray[Any]:
    """Frames side by side; the first frame's face decides what is shown, so motion is seen."""
    height, width = frames[0].shape[:2]
    middle, size = np.array([width, height]) / 2, float(max(width, height))
    if zoom:
        face = MediapipeTracker(still=True).detect(frames[0][None])[0][0]
        middle, size = cut(face.points, zoom)
    scale = side / size
    shift = side / 2 - scale * middle
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    tiles = [cv2.warpAffine(frame, matrix, (side, side), flags=flags) for frame in frames]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--zoom", choices=list(ZOOMS))
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--every", type=int)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--side", type=int, default=160)
    options = parser.parse_args()
    every = options.every or max(1, len(frame_times(options.video)) // options.count)
    frames = picked(options.video, options.start, every, options.count)
    sheet = tile(frames, options.zoom, options.side, options.columns)
    Image.fromarray(sheet).save(options.sheet, quality=88)


if __name__ == "__main__":
    main()
