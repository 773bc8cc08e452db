"""Frames to a video file or pipe, encoded once, with exact times and the original sound."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput, BadUsage, MediaError
from lipkit.media import rawmkv
from lipkit.media.color import NEW_PICTURE, encode_filter
from lipkit.media.encode import (
    Encode,
    audio_arguments,
    container_of,
    find_codec,
    is_hardware,
    mux_arguments,
    stored_pixel,
    video_arguments,
)
from lipkit.media.ffmpeg import QUIET, READ_ONLY, Process, url
from lipkit.media.probe import probe
from lipkit.media.target import open_target

# An mp4 counts in 32 bits; finer common ticks than this come from odd stamps, not from a rate.
MAX_TICKS = 1_000_000
_FINE_TICKS = 90_000


@dataclass(frozen=True)
class AudioTrack:
    """The sound of ``path`` from ``start`` for ``duration`` seconds, copied where possible."""

    path: Path
    start: Fraction | float = 0
    duration: Fraction | float | None = None


class VideoWriter:
    """Writes frames to ``path`` (None: standard output); the file appears when the block succeeds.

    Either ``fps`` or ``times`` gives the clock: ``times`` holds the second at which each frame is
    shown. ``color`` are the tags of the source (None: BT.709). ``pixel`` is what comes in: rgb24
    and rgba take uint8 frames, rgb48 and rgba64 uint16. Storage that halves the colour drops the
    last odd row or column.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        size: tuple[int, int],
        fps: Fraction | int | None = None,
        times: Iterable[Fraction] | None = None,
        audio: AudioTrack | None = None,
        encode: Encode | None = None,
        color: Mapping[str, str] | None = None,
        aspect: Fraction = Fraction(1),
        pixel: str = "rgb24",
        metadata: Mapping[str, str] | None = None,
        attachments: Mapping[str, bytes] | None = None,
    ) -> None:
        if (fps is None) == (times is None):
            raise BadUsage("give a video either a frame rate or the time of each frame")
        self.path = path
        self.size = size
        self._encode = encode or Encode()
        self._container = container_of(path, self._encode)
        self._layout = f"{pixel}le" if pixel in ("rgb48", "rgba64") else pixel
        self._audio = audio
        self._color = NEW_PICTURE if color is None else color
        self._aspect = aspect
        self._metadata = metadata or {}
        self._attachments = attachments or {}
        self._constant = fps is not None
        if fps is not None:
            self._period = self._tick = 1 / Fraction(fps)
            self._times: Iterator[Fraction] = (k / Fraction(fps) for k in count())
        else:
            known = list(times or ())
            self._period = _mean_gap(known)
            self._tick = Fraction(1, common_ticks(known))
            self._times = iter(known)
        self._next: Fraction | None = None
        self._last = self._period
        self._frames = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._named(), ExitStack() as stack:
            target = None if self.path is None else stack.enter_context(open_target(self.path))
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lipkit-")))
            args = self._arguments(target, folder)
            sink = sys.stdout.buffer if target is None else None
            self._process = stack.enter_context(Process(args, feed=True, sink=sink))
            self._process.write(rawmkv.header(self.size, self._layout, self._period))
            self._stack = stack.pop_all()
        return self

    def write(self, frames: NDArray[Any]) -> None:
        """Append ``frames (f, h, w, c)``; MediaError with ffmpeg's words when it fails."""
        shape = (self.size[1], self.size[0], 4 if self._layout.startswith("rgba") else 3)
        kind = np.uint16 if self._layout.endswith("le") else np.uint8
        if frames.shape[1:] != shape or frames.dtype != kind:
            raise ValueError(f"frames {frames.dtype} {frames.shape[1:]}, not {kind} {shape}")
        with self._named():
            for frame in frames:
                time, until = self._advance()
                data = np.ascontiguousarray(frame)
                self._process.write(rawmkv.frame_header(time, until, data.nbytes))
                self._process.write(data.data.cast("B"))
                self._frames += 1

    def _advance(self) -> tuple[Fraction, Fraction]:
        """When the next frame comes and goes; the last one lasts as long as the one before."""
        time = next(self._times, None) if self._next is None else self._next
        if time is None:
            raise ValueError(f"more frames than times: {self._frames} times")
        self._next = next(self._times, None)
        if self._next is not None:
            self._last = self._next - time
        return time, time + self._last

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with self._named():
                    self._finish()
        except BaseException:
            self._stack.__exit__(*sys.exc_info())  # the target is removed, not renamed
            raise
        self._stack.__exit__(kind, error, trace)

    def _finish(self) -> None:
        status = self._process.close()
        if not self._frames:
            raise MediaError("cannot encode: no frame was written")
        if status:
            raise MediaError(f"cannot encode: {self._process.complaint()}")

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Put the output's name before what went wrong."""
        try:
            yield
        except MediaError as error:
            name = self.path or "standard output"
            hint = error.hint
            if is_hardware(self._encode.codec):
                hint = f"{self._encode.codec} needs its device and driver; h264 runs anywhere"
            raise MediaError(f"{name}: {error.message}", hint=hint) from error

    def _arguments(self, target: Path | None, folder: Path) -> list[str]:
        codec = find_codec(self._encode, self._container)
        stored = stored_pixel(self._encode, codec, self._layout)
        aspect = f"{self._aspect.numerator}/{self._aspect.denominator}"
        video = encode_filter(self._color, self.size, self._layout, stored, aspect) + codec.upload
        inputs, sound = self._sound()
        tick = f"{self._tick.numerator}/{self._tick.denominator}"
        args = [
            *QUIET, "-y", "-copyts", *codec.device, "-f", "matroska", "-i", "pipe:0", *inputs,
            "-map", "0:v:0", "-vf", video, "-fps_mode", "passthrough", "-enc_time_base:v", tick,
            *video_arguments(self._encode, codec), *sound, *self._attached(folder),
            # No versions, dates or random numbers: equal input gives equal bytes.
            "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact",
            "-flags:a", "+bitexact",
        ]  # fmt: skip
        for key, value in self._metadata.items():
            args += ["-metadata", f"{key}={value}"]
        if not self._constant and self._container in ("mp4", "mov"):
            args += ["-video_track_timescale", str(self._tick.denominator)]
        args += mux_arguments(self._container, seekable=target is not None)
        return [*args, "pipe:1" if target is None else url(target)]

    def _sound(self) -> tuple[list[str], list[str]]:
        """Input and output options that bring the sound along, on the picture's clock."""
        track = self._audio
        if track is None:
            return [], []
        info = probe(track.path)
        if info.audio is None:
            raise BadInput(f"{track.path}: no sound in this file")
        begin = info.start + Fraction(track.start)
        encoding = audio_arguments(info.audio.codec, info.audio.channels, self._container)
        # Beside -copyts an input's own -ss and -t count from other moments than the file's zero,
        # and an output's would cut the picture too: so the packets outside are dropped.
        outside = []
        if track.start:
            outside.append("lt(pts*tb\\,0)")
        if track.duration is not None:
            outside.append(f"gte(pts*tb\\,{float(track.duration):.6f})")
        if outside:
            encoding += ["-bsf:a", f"noise=drop={'+'.join(outside)}"]
        args = [*READ_ONLY, "-itsoffset", f"{round(-begin * 1_000_000)}us", "-i", url(track.path)]
        return args, ["-map", "1:a:0", *encoding]

    def _attached(self, folder: Path) -> list[str]:
        if self._attachments and self._container != "matroska":
            raise BadUsage(f"{self._container} has no attachments", hint="use .mkv")
        args = []
        for k, (name, data) in enumerate(self._attachments.items()):
            path = folder / str(k)
            path.write_bytes(data)
            args += ["-attach", str(path), f"-metadata:s:t:{k}", f"filename={name}",
                     f"-metadata:s:t:{k}", "mimetype=application/octet-stream"]  # fmt: skip
        return args


def _mean_gap(times: Sequence[Fraction]) -> Fraction:
    """The mean time between frames: encoders set their level and pace by it."""
    gap = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else Fraction(0)
    return gap if gap > 0 else Fraction(1, 25)


def common_ticks(times: Iterable[Fraction]) -> int:
    """Ticks a second in which every one of ``times`` is whole, or 90000 where none is sensible."""
    ticks = 1
    for time in times:
        ticks = math.lcm(ticks, Fraction(time).denominator)
        if ticks > MAX_TICKS:
            return _FINE_TICKS
    return ticks
