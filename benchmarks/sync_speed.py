"""How fast and how large ``lipkit sync`` is, against a plain decode and encode of the same file.

    python -m benchmarks.sync_speed talk.mp4 speech.wav --minutes 1 10

The video and the sound are repeated to each length. A JSON line for each holds frames a second from
start to end, the ratio to ffmpeg alone with the same encoder settings, the peak of resident memory,
its growth over the edit, and the time per frame in the last minute against the first. What follows
``--`` are options of sync. ``--driver-only`` edits nothing: it shows what tracking, decoding and
encoding cost.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lipkit.media.encode import find_codec, video_arguments
from lipkit.media.ffmpeg import QUIET, run, url
from lipkit.media.probe import require_video
from lipkit.media.storage import store_like
from lipkit.protocols import FaceTrack

LEAST_FPS = 15
# On a machine that others use too, CPU time says more about the program than the clock does.
MOST = {"peak_mb": 1500, "last_minute_over_first_cpu": 1.1}


class Untouched:
    """An editor that leaves everything as it is."""

    name = "untouched"
    scheme = "mediapipe478"

    def hear(self, chunks: Iterable[Any]) -> int:
        """The number of samples."""
        return sum(len(chunk) for chunk in chunks)

    def study(self, track: FaceTrack, read: Any) -> None:
        """Nothing to learn."""

    def edit(self, frames: Any, rows: Sequence[int], times: Sequence[Fraction], *_: Any) -> Any:
        """The same frames."""
        return frames.copy()


def held() -> tuple[int, int, float]:
    """Bytes that this process holds, those of it and its ffmpegs, and their CPU seconds so far."""
    own, ticks = os.getpid(), os.sysconf("SC_CLK_TCK")
    family = [own]
    for task in Path(f"/proc/{own}/task").iterdir():
        family += [int(child) for child in (task / "children").read_text().split()]
    sizes, spent = [], 0.0
    for member in family:
        with contextlib.suppress(OSError):  # it may end at any moment
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            sizes.append(int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
            spent += (int(fields[11]) + int(fields[12])) / ticks
    return sizes[0], sum(sizes), spent


def measured(arguments: list[str], driver_only: bool) -> None:
    """Run one sync in this process and print when each frame was written, as JSON."""
    from types import SimpleNamespace

    from lipkit import cli
    from lipkit.commands import _sync_inputs, _syncing
    from lipkit.media.writer import VideoWriter

    if driver_only:
        engine = _sync_inputs.Engine(SimpleNamespace(digests={}), Untouched())  # type: ignore[arg-type]
        _syncing.engine_of = lambda wish: engine
    marks: list[tuple[int, float, int, int, float]] = []
    write = VideoWriter.write

    def noted(writer: VideoWriter, frames: Any) -> None:
        write(writer, frames)
        marks.append((len(frames), time.monotonic(), *held()))

    VideoWriter.write = noted  # type: ignore[method-assign]
    started = time.monotonic()
    status = cli.run(arguments)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    report = {
        "status": status,
        "seconds": time.monotonic() - started,
        "cpu": sum(u.ru_utime + u.ru_stime for u in used),
        "peak": used[0].ru_maxrss << 10,
        "marks": marks,
    }
    print(json.dumps(report), file=sys.stderr)


def repeated(path: Path, minutes: float, out: Path) -> Path:
    """The file over and over, for so many minutes, packets copied."""
    run([
        *QUIET, "-stream_loop", "-1", "-i", url(path), "-t", str(60 * minutes), "-c", "copy",
        url(out),
    ])  # fmt: skip
    return out


def floor(path: Path, out: Path) -> float:
    """Seconds that ffmpeg alone takes to decode the file and encode it with sync's settings."""
    _, video = require_video(path)
    encode = store_like(video, "mp4").encode
    options = video_arguments(encode, find_codec(encode, "mp4"))
    started = time.monotonic()
    run([*QUIET, "-i", url(path), "-map", "0:V:0", *options, "-pix_fmt", video.pix_fmt, url(out)])
    return time.monotonic() - started


def compare(
    video: Path, sound: Path, minutes: float, rest: list[str], driver_only: bool
) -> dict[str, Any]:
    """The figures for one length."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = repeated(video, minutes, folder / f"film{video.suffix}")
        voice = repeated(sound, minutes, folder / f"voice{sound.suffix}")
        plain = floor(film, folder / "plain.mp4")
        command = [sys.executable, __file__, "--child", *(["--driver-only"] if driver_only else [])]
        sync = ["sync", str(film), str(voice), "-o", str(folder / "out.mp4"), "-q", *rest]
        done = subprocess.run([*command, "--", *sync], capture_output=True, text=True, check=False)
    report = json.loads(done.stderr.splitlines()[-1])
    if report["status"]:
        sys.exit(done.stderr)
    counts, times, memory, all_memory, cpu = map(np.array, zip(*report["marks"], strict=True))
    frames = int(counts.sum())
    when = np.cumsum(counts) / frames * minutes  # minutes into the film
    found = {
        "minutes": minutes,
        "frames": frames,
        "fps": frames / report["seconds"],
        "cpu_ms_a_frame": 1000 * report["cpu"] / frames,
        "floor_fps": frames / plain,
        "times_the_floor": report["seconds"] / plain,
        "peak_mb": report["peak"] / 2**20,
        "peak_with_ffmpeg_mb": all_memory.max() / 2**20,
        "grown_mb": (memory[when > 0.9 * minutes].max() - memory[when < 0.5].max()) / 2**20,
    }
    if minutes >= 2:
        first, last = when <= 1, when > minutes - 1
        for name, clock in (("wall", times), ("cpu", cpu)):
            found[f"last_minute_over_first_{name}"] = np.ptp(clock[last]) / np.ptp(clock[first])
    return found


def main() -> None:
    """Print the figures of each length; exit 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("video", type=Path)
    parser.add_argument("sound", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--driver-only", action="store_true")
    words = sys.argv[1:]
    mark = words.index("--") if "--" in words else len(words)
    wish, options = parser.parse_args(words[:mark]), words[mark + 1 :]
    passed = False
    for minutes in wish.minutes:
        found = compare(wish.video, wish.sound, minutes, options, wish.driver_only)
        print(
            json.dumps({name: round(float(value), 3) for name, value in found.items()}), flush=True
        )
        passed |= found["fps"] < LEAST_FPS
        passed |= any(found.get(name, 0) > limit for name, limit in MOST.items())
    sys.exit(passed)


if __name__ == "__main__":
    if "--child" in sys.argv[1:2]:
        place = sys.argv.index("--")
        measured(sys.argv[place + 1 :], "--driver-only" in sys.argv[:place])
    else:
        main()
