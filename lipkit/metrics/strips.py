"""Small pictures of a video at even steps, as JPEG, for pages that people look through."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lipkit.media.video import read_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack

AROUND_FACE = 1.9  # side of what is shown, in sides of the box around all faces of the clip

Window = tuple[int, int, int, int]  # x0, y0, x1, y1


@dataclass(frozen=True)
class Picture:
    """A JPEG file's bytes, its size in pixels, and the second at which it is shown."""

    jpeg: bytes
    width: int
    height: int
    seconds: float


def strip(
    path: Path,
    times: Sequence[Fraction],
    window: Window,
    size: tuple[int, int],
    *,
    count: int = 8,
    side: int = 168,
) -> tuple[Picture, ...]:
    """At most ``count`` pictures at even steps through a video, none larger than ``side``.

    ``times`` are its frames', ``size`` (width, height) is theirs, and ``window`` the part of them
    that is shown. Each picture is the middle one of an equal part of the clip, so that they stand
    over a time axis of the same width.
    """
    total = min(count, len(times))
    wanted = [times[(2 * i + 1) * len(times) // (2 * total)] for i in range(total)]
    scale = min(1.0, side / max(window[2] - window[0], window[3] - window[1]))
    small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    x0, y0, x1, y1 = (round(edge * scale) for edge in window)
    pictures = []
    for time in wanted:
        frame = _frame(path, time, small)
        if frame is not None:
            pictures.append(_picture(frame[y0:y1, x0:x1], time - times[0]))
    return tuple(pictures)


def face_window(track: FaceTrack) -> Window:
    """The square around the face wherever it goes in the clip; the frame where there is none."""
    if not track.valid.any():
        return 0, 0, *track.frame_size
    points = track.points[track.valid][..., :2]
    low, high = np.percentile(points.min(1), 2, axis=0), np.percentile(points.max(1), 98, axis=0)
    width, height = track.frame_size
    side = min(AROUND_FACE * float((high - low).max()), width, height)
    x, y = (low + high) / 2
    left = min(max(0.0, float(x) - side / 2), width - side)
    top = min(max(0.0, float(y) - side / 2), height - side)
    return round(left), round(top), round(left + side), round(top + side)


def _frame(path: Path, time: Fraction, size: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The frame shown from ``time`` on; None where the file breaks off before."""
    for frames in read_frames(path, chunk=1, size=size, start=time, exact=False):
        return np.asarray(frames[0], np.uint8)
    return None


def _picture(frame: NDArray[np.uint8], seconds: Fraction) -> Picture:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=80, optimize=True)
    return Picture(file.getvalue(), frame.shape[1], frame.shape[0], float(seconds))
