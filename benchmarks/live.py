"""How live ``animate --live`` is: frames a second, and the first frame's delay behind its sound.

``python -m benchmarks.live [PORTRAIT]`` runs the installed program on a portrait of 512x512 (the
demo's by default) with raw frames out. First the demo's speech comes as fast as it is taken, which
tells how many frames a second can be sustained; then it comes at its own pace, 40 ms at a time,
once the program waits for it. The delay from the first sample in to the first frame out is printed
with and without the look-ahead, which no machine can spare, and so is that of every later frame.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from lipkit.media.audio import read_wave
from lipkit.models import load

ASSETS = resources.files("lipkit") / "assets"
FPS, RATE, STEP = 25, 16000, 640
LIMITS = {"frames_per_second": (25.0, None), "start_delay_ms": (None, 400.0)}


class Program:
    """The program, loaded and waiting for sound."""

    def __init__(self, portrait: str) -> None:
        line = [sys.executable, "-m", "lipkit", "animate", portrait, "-", "--live", "-q"]
        self.child = subprocess.Popen(
            [*line, "-o", "-", "--format", "raw"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        width, height = Image.open(portrait).size
        self.frame = width * height * 3
        self.say(header())
        while self.unread():  # it opens the sound when all else is ready
            if self.child.poll() is not None:
                sys.exit("lipkit animate --live failed")
            time.sleep(0.01)
        time.sleep(1)

    def say(self, data: bytes) -> None:
        """Send some sound."""
        assert self.child.stdin is not None
        self.child.stdin.write(data)

    def unread(self) -> int:
        """Bytes of sound that the program has not taken yet."""
        assert self.child.stdin is not None
        count = fcntl.ioctl(self.child.stdin.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    def play(self, feed: Callable[[Program], None]) -> list[float]:
        """When each frame came, in seconds since the sound began."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        times, got, started = [], 0, time.perf_counter()

        def talk() -> None:
            feed(self)
            assert self.child.stdin is not None
            self.child.stdin.close()

        thread = threading.Thread(target=talk)
        thread.start()
        while data := os.read(self.child.stdout.fileno(), 1 << 20):
            got += len(data)
            times += [time.perf_counter() - started] * (got // self.frame - len(times))
        thread.join()
        self.child.stdout.close()
        self.child.wait()
        return times


def header() -> bytes:
    """Of a WAV of 16 bits and unknown length."""
    unknown, chunk = b"\xff" * 4, (16).to_bytes(4, "little")
    shape = np.array([1, 1], "<u2").tobytes() + np.array([RATE, 2 * RATE], "<u4").tobytes()
    shape += np.array([2, 16], "<u2").tobytes()
    return b"RIFF" + unknown + b"WAVEfmt " + chunk + shape + b"data" + unknown


def fast(sound: bytes) -> Callable[[Program], None]:
    """All sound at once."""
    return lambda program: program.say(sound)


def paced(sound: bytes) -> Callable[[Program], None]:
    """The sound at its own pace: what was said within 40 ms comes when they are over."""

    def feed(program: Program) -> None:
        started = time.perf_counter()
        for number, first in enumerate(range(0, len(sound), 2 * STEP), 1):
            time.sleep(max(0.0, started + number / FPS - time.perf_counter()))
            program.say(sound[first : first + 2 * STEP])

    return feed


def measure(portrait: str) -> dict[str, float]:
    """Rate and delays."""
    wave = read_wave(Path(str(ASSETS / "speech.flac")))
    sound = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
    sampling = load("builtin", verb="animate", device="cpu").config.sampling
    ahead = (sampling.live_hop + sampling.live_ahead) / FPS
    times = Program(portrait).play(fast(sound + sound))
    rate = (len(times) - FPS) / (times[-1] - times[FPS - 1])  # beyond the first second
    late = np.array(Program(portrait).play(paced(sound)))
    delays = late - np.arange(len(late)) / FPS
    return {
        "cores": float(len(os.sched_getaffinity(0))),
        "frames": float(len(late)),
        "frames_per_second": rate,
        "look_ahead_ms": 1000 * ahead,
        "first_frame_ms": 1000 * float(late[0]),
        "start_delay_ms": 1000 * (float(late[0]) - ahead),
        "later_delay_ms": 1000 * (float(np.median(delays[FPS:])) - ahead),
        "worst_delay_ms": 1000 * (float(delays[FPS:].max()) - ahead),
    }


def main() -> None:
    """Print the figures beside their limits; exit 1 where one is passed."""
    found = measure(sys.argv[1] if len(sys.argv) > 1 else str(ASSETS / "astronaut.png"))
    missed = False
    for name, value in found.items():
        low, high = LIMITS.get(name, (None, None))
        limit = "" if low is high else f"   limit {low or high:g}"
        missed |= (low is not None and value < low) or (high is not None and value > high)
        print(f"{name:>18} {value:8.1f}{limit}", file=sys.stderr)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
