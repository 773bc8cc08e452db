"""What the ``animate`` one-liner costs: start-up, seconds a second of video, memory over length.

``python -m benchmarks.animate [PORTRAIT]`` runs the installed program on a portrait of 512x512 (the
demo's by default) with the demo's speech, cut or repeated to several lengths. Start-up is the run
with a fifth of a second of sound; the cost of longer sound is counted beyond that.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np
import soundfile

ASSETS = resources.files("lipkit") / "assets"
LENGTHS = (0.2, 10.0, 600.0)  # seconds
LIMITS = {"startup_s": 8.0, "ten_seconds_s": 10.0, "peak_mb": 1500.0, "growth": 1.1}


def speech(path: Path, seconds: float) -> Path:
    """The demo's speech, repeated and cut to ``seconds``."""
    wave, rate = soundfile.read(str(ASSETS / "speech.flac"), dtype="float32")
    soundfile.write(path, np.resize(wave, round(seconds * rate)), rate, subtype="PCM_16")
    return path


def run(portrait: str, sound: Path, folder: Path) -> tuple[float, float]:
    """Wall time in seconds and peak resident memory in megabytes of one run of the program."""
    command = [sys.executable, "-m", "lipkit", "animate", portrait, str(sound)]
    command += ["-o", str(folder / "talk.mp4"), "--force", "--quiet"]
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def measure(portrait: str) -> dict[str, float]:
    """Times and memory at each length."""
    times, peaks = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seconds in LENGTHS:
            sound = speech(folder / "speech.wav", seconds)
            times[seconds], peaks[seconds] = run(portrait, sound, folder)
    short, ten, long = LENGTHS
    return {
        "cores": float(len(os.sched_getaffinity(0))),
        "startup_s": times[short],
        "ten_seconds_s": times[ten] - times[short],
        "long_s_per_s": (times[long] - times[short]) / long,
        "peak_mb": max(peaks.values()),
        "growth": peaks[long] / peaks[ten],
    }


def main() -> None:
    """Print the figures beside their limits; exit 1 where one is passed."""
    portrait = sys.argv[1] if len(sys.argv) > 1 else str(ASSETS / "astronaut.png")
    found = measure(portrait)
    for name, value in found.items():
        limit = LIMITS.get(name)
        print(
            f"{name:>14} {value:8.2f}" + (f"   limit {limit:g}" if limit else ""), file=sys.stderr
        )
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    sys.exit(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    main()
