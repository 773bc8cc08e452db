"""Video files as chunks of frames, in constant memory."""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.media.color import decode_filter
from lipkit.media.description import VideoInfo
from lipkit.media.encode import Encode
from lipkit.media.ffmpeg import QUIET, READ_ONLY, Process, url
from lipkit.media.probe import require_video
from lipkit.media.times import TICK, Clock, frame_times
from lipkit.media.writer import AudioTrack, VideoWriter

__all__ = [
    "AudioTrack",
    "Encode",
    "TimedFrames",
    "VideoWriter",
    "frame_times",
    "read_frames",
    "read_timed_frames",
]

Pixel = Literal["rgb24", "rgba", "rgb48", "rgba64"]

CHUNK_BYTES = 64 << 20
_LAYOUTS: dict[str, tuple[str, int, type[np.generic]]] = {
    "rgb24": ("rgb24", 3, np.uint8),
    "rgba": ("rgba", 4, np.uint8),
    "rgb48": ("rgb48le", 3, np.uint16),
    "rgba64": ("rgba64le", 4, np.uint16),
}
log = logging.getLogger(__name__)


def opaque(pixel: Pixel) -> Pixel:
    """The layout of the same depth without alpha."""
    return "rgb48" if pixel in ("rgb48", "rgba64") else "rgb24"


@dataclass(frozen=True)
class TimedFrames:
    """A chunk of frames ``(f, h, w, c)`` and the seconds at which each is shown."""

    frames: NDArray[Any]
    times: list[Fraction]


def read_frames(
    path: Path,
    *,
    chunk: int = 32,
    size: tuple[int, int] | None = None,
    start: Fraction | float | None = None,
    end: Fraction | float | None = None,
    pixel: Pixel = "rgb24",
    exact: bool = True,
) -> Iterator[NDArray[Any]]:
    """Chunks ``(f, h, w, c)`` of the frames shown from ``start`` until before ``end`` seconds.

    Upright, uint8 RGB (``rgba`` with straight alpha; ``rgb48`` and ``rgba64`` uint16 over the full
    range), scaled to ``size`` (width, height). Without ``exact`` colours come faster and a grey
    level too dark: enough to look at, not to write again. A chunk holds at most ``chunk`` frames,
    fewer when they are large. BadInput when nothing can be decoded; a file that breaks off is read
    as far as it goes, with a warning in the log.
    """
    parts = read_timed_frames(
        path, chunk=chunk, size=size, start=start, end=end, pixel=pixel, exact=exact
    )
    with contextlib.closing(parts):
        for part in parts:
            yield part.frames


def read_timed_frames(
    path: Path,
    *,
    chunk: int = 32,
    size: tuple[int, int] | None = None,
    start: Fraction | float | None = None,
    end: Fraction | float | None = None,
    pixel: Pixel = "rgb24",
    exact: bool = True,
    near: Sequence[Fraction] = (),
) -> Generator[TimedFrames]:
    """What ``read_frames`` gives, with each frame's exact time, in the same single decoding.

    Only frames shown within a tick of ``near``, if any are given, are converted and come; where
    the container rounds times, theirs are rounded then.
    """
    info, video = require_video(path)
    width, height = size or video.size
    layout, channels, kind = _LAYOUTS[pixel]
    shape = (height, width, channels)
    frame_bytes = math.prod(shape) * np.dtype(kind).itemsize
    chunk = max(1, min(chunk, CHUNK_BYTES // frame_bytes))
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        stamps = Path(folder) / "stamps"
        stamps.touch()
        args = [
            *QUIET, *READ_ONLY, "-copyts", *_decoder(video, pixel), *_seek(start),
            "-i", url(path), "-map", "0:V:0", "-fps_mode", "passthrough",
            "-enc_time_base", "demux",
            "-vf", _picking(near, info.start)
            + decode_filter(video, (width, height), layout, exact=exact),
            # ffmpeg writes the stamp of each frame before the frame, and flushes it.
            "-stats_enc_pre:v:0", url(stamps), "-stats_enc_pre_fmt", "{ptsi} {tbi}",
            "-c:v", "rawvideo", "-f", "rawvideo", "-",
        ]  # fmt: skip
        count = 0
        with Process(args, read=True) as decoder, stamps.open("rb") as lines:
            clock = Clock(info)
            for frames in _full_chunks(decoder, chunk, shape, kind):
                count += len(frames)
                times = [_stamp(lines, clock) for _ in frames]
                part = _between(TimedFrames(frames, times), start, end)
                if part.times:
                    yield part
                if end is not None and times[-1] >= end:
                    return
            status = decoder.close()
            if not count and (status or start is None):
                raise BadInput(f"{path}: no frame can be decoded: {decoder.complaint()}")
            if status or not decoder.silent:
                log.warning("%s: damaged, %d frames read: %s", path, count, decoder.complaint())


def _full_chunks(
    decoder: Process, chunk: int, shape: tuple[int, ...], kind: type[np.generic]
) -> Iterator[NDArray[Any]]:
    """Arrays of ``chunk`` frames of ``shape``; the last is shorter, and half a frame is dropped."""
    while True:
        frames = np.empty((chunk, *shape), kind)
        got = decoder.fill(frames) // frames[0].nbytes
        if got:
            yield frames[:got]
        if got < chunk:
            return


def _decoder(video: VideoInfo, pixel: Pixel) -> list[str]:
    """The libvpx decoders where alpha is asked for: ffmpeg's own VP8 and VP9 decoders drop it."""
    if pixel in ("rgba", "rgba64") and video.alpha and video.codec in ("vp8", "vp9"):
        return ["-c:v", "libvpx" if video.codec == "vp8" else "libvpx-vp9"]
    return []


def _seek(start: Fraction | float | None) -> list[str]:
    """Input options that skip most of what lies before ``start``.

    ffmpeg counts from the file's first stamp, which may lie up to a second after its zero, and in
    microseconds: the frames that it still lets through are dropped by their exact times.
    """
    return [] if start is None or start <= 1 else ["-ss", f"{float(start - 1):.6f}"]


def _picking(near: Sequence[Fraction], start: Fraction) -> str:
    """A filter, with its comma, that lets through the frames shown at ``near``; none for none."""
    if not near:
        return ""
    terms = [rf"lt(abs(t-{float(time + start):.6f})\,{float(TICK):.6f})" for time in near]
    while len(terms) > 1:  # ffmpeg's expressions nest only so deep: a tree, not a chain
        terms = [f"({'+'.join(terms[i : i + 2])})" for i in range(0, len(terms), 2)]
    return f"select={terms[0]},"


def _between(
    part: TimedFrames, start: Fraction | float | None, end: Fraction | float | None
) -> TimedFrames:
    """The frames of ``part`` that are shown from ``start`` until before ``end``."""
    low = 0 if start is None else bisect_left(part.times, start)
    high = len(part.times) if end is None else bisect_left(part.times, end)
    return TimedFrames(part.frames[low:high], part.times[low:high])


def _stamp(lines: IO[bytes], clock: Clock) -> Fraction:
    stamp, base = lines.readline().split()
    return clock.read(int(stamp), Fraction(base.decode()))
