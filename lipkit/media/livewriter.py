"""Frames and sound to a stream that somebody watches while it is written."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import MediaError
from lipkit.media.color import NEW_PICTURE, encode_filter
from lipkit.media.encode import (
    Encode,
    audio_arguments,
    container_of,
    find_codec,
    stored_pixel,
    video_arguments,
)
from lipkit.media.ffmpeg import QUIET, Process, url
from lipkit.media.pcm import Pcm
from lipkit.media.target import open_target

BARE = {"y4m": ("yuv4mpegpipe", "yuv420p"), "raw": ("rawvideo", "rgb24")}  # pictures alone
SUFFIXES = {".y4m": "y4m", ".raw": "raw", ".rgb": "raw"}
# Every frame leaves at once, in a cluster or fragment of its own. ffmpeg's frag_every_frame would
# also tear sound and pictures apart, and lose pictures.
FRAGMENTS = ("-movflags", "+delay_moov+default_base_moof+use_metadata_tags", "-frag_duration", "1")
MUXERS = {
    "matroska": ("-f", "matroska", "-live", "1", "-cluster_time_limit", "1"),
    "webm": ("-f", "webm", "-live", "1", "-cluster_time_limit", "1"),
    "mp4": ("-f", "mp4", *FRAGMENTS),
    "mov": ("-f", "mov", *FRAGMENTS),
}
QUICK = {
    "h264": ("-tune", "zerolatency"),
    "hevc": ("-tune", "zerolatency"),
    "vp9": ("-deadline", "realtime", "-lag-in-frames", "0", "-cpu-used", "8"),
}
AT_ONCE = ("-probesize", "32", "-analyzeduration", "0")


class LiveWriter:
    """Writes frames and their sound to ``path`` (None: standard output) without delay.

    ``encode.container`` may also be y4m or raw (RGB, 24 bits), which hold pictures alone; so may
    the suffix of ``path``. A file appears when the block succeeds. A reader who has gone away
    surfaces as BrokenPipeError; a slow one holds ``write`` back.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        size: tuple[int, int],
        fps: Fraction,
        encode: Encode,
        sound: Pcm,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.size, self.fps, self.encode = path, size, fps, encode
        suffix = path.suffix.lower() if path else ""
        self.bare = BARE.get(encode.container or SUFFIXES.get(suffix, ""))
        self.sound = None if self.bare else sound
        self.metadata = metadata or {}
        self._stack = ExitStack()
        self._sound = -1

    def __enter__(self) -> Self:
        with self._named(), ExitStack() as stack:
            out, self._sound = os.pipe()
            stack.callback(self._hang_up)
            try:
                args = self._arguments(out)
                target = None if self.path is None else stack.enter_context(open_target(self.path))
                sink = sys.stdout.buffer if target is None else None
                args.append("pipe:1" if target is None else url(target))
                process = Process(args, feed=True, sink=sink, pipes=(out,))
            finally:
                os.close(out)
            self._process = stack.enter_context(process)
            self._stack = stack.pop_all()
        return self

    def write(self, frame: NDArray[np.uint8], sound: bytes) -> None:
        """Append ``frame (h, w, 3)`` and the sound until its end, as much as has come."""
        with self._named():
            if self.sound is not None:
                # What a pipe holds is more than the sound of a frame: this waits for nothing.
                self._pass_on(sound)
            self._process.write(np.ascontiguousarray(frame).data.cast("B"))

    def finish(self, sound: bytes) -> None:
        """Append sound beyond the last frame."""
        if self.sound is not None:
            with self._named():
                self._pass_on(sound)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with self._named():
                    self._hang_up()
                    if self._process.close():
                        raise MediaError(f"cannot encode: {self._process.complaint()}")
        except BaseException:
            self._stack.__exit__(*sys.exc_info())  # the target is removed, not renamed
            raise
        self._stack.__exit__(kind, error, trace)

    def _pass_on(self, sound: bytes) -> None:
        view = memoryview(sound)
        try:
            while view:
                view = view[os.write(self._sound, view) :]
        except BrokenPipeError:
            # ffmpeg is gone; feeding it pictures tells why, which a broken pipe here does not.
            self._process.write(bytes(1))
            raise MediaError(f"ffmpeg stopped: {self._process.complaint()}") from None

    def _hang_up(self) -> None:
        """The sound is over."""
        if self._sound >= 0:
            os.close(self._sound)
            self._sound = -1

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Put the output's name before what went wrong."""
        try:
            yield
        except MediaError as error:
            name = self.path or "standard output"
            raise MediaError(f"{name}: {error.message}", hint=error.hint) from error

    def _arguments(self, sound: int) -> list[str]:
        size, rate = f"{self.size[0]}x{self.size[1]}", str(self.fps)
        args = [
            *QUIET, "-y", *AT_ONCE, "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", rate,
            "-i", "pipe:0",
        ]  # fmt: skip
        return args + (self._pictures() if self.bare else self._muxed(sound))

    def _pictures(self) -> list[str]:
        """Output options of pictures alone."""
        assert self.bare is not None
        form, stored = self.bare
        # Nobody can tag these pictures: the matrix is the one that readers take for granted.
        color = {"space": "smpte170m"} if stored != "rgb24" else {}
        picture = encode_filter(color, self.size, "rgb24", stored, "1/1")
        return ["-vf", picture, "-f", form, "-flush_packets", "1"]

    def _muxed(self, sound: int) -> list[str]:
        """Input options of the sound, and output options of both together."""
        assert self.sound is not None
        container = container_of(self.path, self.encode)
        codec = find_codec(self.encode, container)
        stored = stored_pixel(self.encode, codec, "rgb24")
        picture = encode_filter(NEW_PICTURE, self.size, "rgb24", stored, "1/1") + codec.upload
        layout = self.sound
        args = [
            *AT_ONCE, "-f", layout.form, "-ar", str(layout.rate), "-ac", str(layout.channels),
            "-i", f"pipe:{sound}", "-map", "0:v", "-map", "1:a", "-vf", picture,
            *video_arguments(self.encode, codec), *QUICK.get(self.encode.codec, ()),
            "-g", str(round(self.fps)),
            *audio_arguments(f"pcm_{layout.form}", layout.channels, container),
        ]  # fmt: skip
        for key, value in self.metadata.items():
            args += ["-metadata", f"{key}={value}"]
        return [*codec.device, *args, *MUXERS[container], "-flush_packets", "1"]
