"""An editor, a tracker and films that need no network, no photograph and no time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from lipkit.media.video import AudioTrack, Encode, VideoWriter
from lipkit.protocols import Face, FaceTrack

LOSSLESS = Encode("ffv1", lossless=True)


class Blinker:
    """Writes the source frame's number and the voice's loudness into a square at the mouth."""

    name = "blinker"
    scheme = "five"

    def __init__(self, most: int | None = None) -> None:
        self.most = most  # edits after which it gives up
        self.edits = 0

    def hear(self, chunks: Iterable[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(chunks))

    def study(self, track: FaceTrack, read: Any) -> float:
        rows = np.flatnonzero(track.valid)[::7].tolist()
        return float(sum(int(frame.mean()) for frame in read(rows)) % 50)

    def edit(
        self,
        frames: np.ndarray,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: np.ndarray,
        study: float,
    ) -> np.ndarray:
        out = frames.copy()
        for k, (row, time) in enumerate(zip(rows, times, strict=True)):
            if not track.valid[row]:
                continue
            if self.most is not None and self.edits >= self.most:
                raise KeyboardInterrupt
            self.edits += 1
            heard = voice[int(time * 16000) : int(time * 16000) + 200]
            loud = int(1000 * float(np.abs(heard).sum())) if len(heard) else 0
            x0, y0, x1, y1 = square(track, row)
            out[k, y0:y1, x0:x1, :3] = (row * 7 + loud + int(study)) % 256
        return out


def square(track: FaceTrack, row: int) -> tuple[int, int, int, int]:
    """Where `Blinker` writes in source frame ``row``."""
    x, y = np.rint(track.points[row, 2]).astype(int).tolist()
    return max(x - 4, 0), max(y - 4, 0), x + 5, y + 5


@dataclass
class Spotter:
    """Finds a face of five points in every frame that is not dark."""

    name: str = "spotter"
    scheme: str = "five"

    def detect(self, frames: np.ndarray) -> list[list[Face]]:
        _, height, width, _ = frames.shape
        found: list[list[Face]] = []
        for frame in frames:
            if frame.mean() < 60:
                found.append([])
                continue
            points = five(width, height)
            box = np.array([0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height], np.float32)
            found.append([Face(box, points, 0.9)])
        return found


def five(width: int, height: int) -> np.ndarray:
    """Eyes, nose and mouth corners of a face that fills the picture's middle."""
    places = np.array([[0.38, 0.4], [0.62, 0.4], [0.5, 0.55], [0.4, 0.68], [0.6, 0.68]])
    return (places * (width, height)).astype(np.float32)


def track_for(
    times: Sequence[Fraction], size: tuple[int, int], missing: Sequence[int] = ()
) -> FaceTrack:
    """The track that `Spotter` would find, without looking."""
    valid = np.ones(len(times), np.bool_)
    valid[list(missing)] = False
    points = np.repeat(five(*size)[None], len(times), 0)
    shot = np.zeros(len(times), np.int32)
    return FaceTrack(points, valid, shot, list(times), Fraction(25), size, "five")


def pictures(count: int, size: tuple[int, int], dark: Sequence[int] = ()) -> np.ndarray:
    """Frames ``(f, h, w, 3)``, no two alike, bright but for those in ``dark``."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 90 // width, y * 90 // height, (x + y) * 40 // (width + height)], -1)
    frames = [base + 90 + (k * 5) % 60 if k not in dark else base // 4 for k in range(count)]
    return np.stack(frames).astype(np.uint8)


def film(
    path: Path,
    times: Sequence[Fraction],
    size: tuple[int, int] = (48, 32),
    *,
    dark: Sequence[int] = (),
    encode: Encode = LOSSLESS,
    sound: Path | None = None,
) -> Path:
    """A video of `pictures` at ``times``."""
    track = AudioTrack(sound) if sound else None
    with VideoWriter(path, size=size, times=times, encode=encode, audio=track) as writer:
        writer.write(pictures(len(times), size, dark))
    return path


def steady(count: int, fps: Fraction | int = 25) -> list[Fraction]:
    """Times of a constant rate."""
    return [k / Fraction(fps) for k in range(count)]


def speech(path: Path, seconds: float, rate: int = 16000) -> Path:
    """A tone that swells and fades, as a file of any sample rate."""
    t = np.arange(max(1, round(seconds * rate))) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 200 * t) * np.sin(np.pi * t), rate)
    return path


def joined(chunks: Iterator[np.ndarray]) -> np.ndarray:
    """All chunks as one array."""
    return np.concatenate(list(chunks))
