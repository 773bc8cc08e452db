"""How much memory ``lipkit score`` takes for a long video, and how fast it looks.

    python -m benchmarks.score_memory talk_1080p.mp4 --minutes 1 10

The video is repeated to each length and scored in a process of its own, all metrics that can run.
A JSON line for each length holds the peak of resident memory of lipkit and its ffmpegs together,
and frames a second. What follows ``--`` are further options of score; ``--itself`` adds the video
as its own reference, so that it is tracked and decoded twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.sync_speed import repeated
from lipkit.media.probe import require_video

MOST_MB = 2000
PAUSE = 0.25  # seconds between two looks at the memory


def family(number: int) -> list[int]:
    """A process and all below it."""
    found = [number]
    with contextlib.suppress(OSError):  # it may end at any moment
        for task in Path(f"/proc/{number}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def resident(number: int) -> int:
    """Bytes of memory that a process holds."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    return 0


def measure(video: Path, minutes: float, rest: list[str], itself: bool) -> dict[str, Any]:
    """The figures for one length."""
    with tempfile.TemporaryDirectory() as name:
        film = repeated(video, minutes, Path(name) / f"film{video.suffix}")
        options = [*(["--reference", str(film)] if itself else []), *rest]
        command = [sys.executable, "-m", "lipkit", "score", "-q", str(film), *options]
        started, peak, alone = time.monotonic(), 0, 0
        lines = Path(name) / "scores.jsonl"
        with lines.open("wb") as out, subprocess.Popen(command, stdout=out) as process:
            while process.poll() is None:
                sizes = [resident(member) for member in family(process.pid)]
                peak, alone = max(peak, sum(sizes)), max(alone, sizes[0])
                time.sleep(PAUSE)
        seconds = time.monotonic() - started
        if process.returncode:
            sys.exit(process.returncode)
        row = json.loads(lines.read_text().splitlines()[0])
        info, _ = require_video(film)
    values = [about["value"] for about in row["scores"].values()]
    return {
        "minutes": round(float(info.duration or 0) / 60, 2),
        "size": row["size"],
        "frames": row["frames"],
        "values": sum(value is not None for value in values),
        "peak_mb": round(peak / 2**20),
        "peak_without_ffmpeg_mb": round(alone / 2**20),
        "fps": round(row["frames"] / seconds, 2),
    }


def main() -> None:
    """Print the figures of each length; exit 1 where the limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("video", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0])
    parser.add_argument("--itself", action="store_true")
    words = sys.argv[1:]
    mark = words.index("--") if "--" in words else len(words)
    wish = parser.parse_args(words[:mark])
    passed = False
    for minutes in wish.minutes:
        found = measure(wish.video, minutes, words[mark + 1 :], wish.itself)
        print(json.dumps(found), flush=True)
        passed |= found["peak_mb"] > MOST_MB
    sys.exit(passed)


if __name__ == "__main__":
    main()
