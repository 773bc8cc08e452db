"""Exact time stamps of frames, for constant and variable rates."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.ffmpeg import QUIET, READ_ONLY, complaint, finish, url
from lipkit.media.probe import MediaInfo, require_video

# Matroska, WebM and FLV keep whole milliseconds: a constant rate is declared beside them.
TICK = Fraction(1, 1000)


class Clock:
    """Turns the time stamps of one stream, in order, into exact seconds from the file's start.

    Where the container rounds to milliseconds and the stamps agree with the declared constant
    rate, that rate gives the exact time; from the first frame that disagrees, the stamp itself.
    """

    def __init__(self, info: MediaInfo) -> None:
        assert info.video is not None
        self._period = 1 / info.video.fps if info.video.fps else None
        self._start = info.start
        self._count = 0
        self._first = Fraction(0)

    def read(self, stamp: int, time_base: Fraction) -> Fraction:
        """Seconds of the next frame, whose stamp is ``stamp`` ticks of ``time_base``."""
        # ffmpeg prints the file's start to the microsecond; the stamps tell which tick it was.
        time = (stamp - round(self._start / time_base)) * time_base
        if self._count == 0:
            self._first = time
            if time_base != TICK:
                self._period = None
            elif self._period is not None:  # reading may begin in the middle
                exact = round(time / self._period) * self._period
                self._first = time = exact if abs(exact - time) < TICK else time
        elif self._period is not None:
            exact = self._first + self._count * self._period
            if abs(exact - time) < TICK:
                time = exact
            else:
                self._period = None
        self._count += 1
        return time


def frame_times(path: Path) -> list[Fraction]:
    """Seconds from the file's start at which each frame is shown, exactly.

    The file is decoded once, for only that tells which frames come out. BadInput if none does.
    """
    info, _ = require_video(path)
    done = finish([
        *QUIET, *READ_ONLY, "-copyts", "-noautorotate", "-i", url(path), "-map", "0:V:0",
        "-fps_mode", "passthrough", "-enc_time_base", "demux", "-c:v", "wrapped_avframe",
        "-f", "framecrc", "-",
    ])  # fmt: skip
    clock = Clock(info)
    times: list[Fraction] = []
    base = Fraction(0)
    for line in done.stdout.splitlines():
        if line.startswith(b"#tb 0:"):
            base = Fraction(line.split()[2].decode())
        elif not line.startswith(b"#"):
            times.append(clock.read(int(line.split(b",")[2]), base))
    if not times:
        raise BadInput(f"{path}: no frame can be decoded: {complaint(done.stderr)}")
    return times
