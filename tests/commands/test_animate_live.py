"""``animate --live``: sound from a pipe in, frames out while it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lipkit.cli import run
from lipkit.commands._live import Tape
from lipkit.errors import ExitStatus
from lipkit.media.live import Heard
from lipkit.media.pcm import Pcm
from lipkit.media.probe import probe
from lipkit.media.video import frame_times

from .conftest import frames_of, untrained

QUICK = ("--set", "sampling.steps=1", "--set", "sampling.live_hop=4")


def buzz(seconds: float, rate: int = 16000) -> bytes:
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * 150 * t) * (np.sin(2 * np.pi * 4 * t) > 0)
    return (wave * 32767).astype("<i2").tobytes()


@contextmanager
def stdin_of(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Standard input into which ``data`` trickles."""
    out, into = os.pipe()

    def feed() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(data)

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(out) as reader:
        monkeypatch.setattr(sys, "stdin", reader)
        yield
        reader.buffer.read()
    thread.join()


def animate(portrait: Path, model: Path, *more: str) -> list[str]:
    return ["animate", str(portrait), "-", "--live", "--model", str(model), "-q", *QUICK, *more]


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.y4m", "talk.raw"])
def test_pictures_and_sound_of_a_live_voice(
    name: str, portrait: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / name
    with stdin_of(buzz(0.6, 8000) + b"\0", monkeypatch):
        status = run(animate(portrait, tiny_model, "--pcm", "s16le,8000", "-o", str(out)))
    assert status == ExitStatus.OK
    if name.endswith("raw"):
        assert out.stat().st_size == 15 * 224 * 256 * 3
        return
    assert frames_of(out).shape == (15, 256, 224, 3)
    found = probe(out)
    assert (found.audio is not None) == (not name.endswith("y4m"))
    if found.audio is not None:
        assert float(frame_times(out)[-1]) == pytest.approx(14 / 25)
        assert found.audio.rate == 8000


def test_models_that_cannot_go_live_say_so(
    portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lipkit import config

    model = untrained(
        "liveportrait", config.load_preset("tiny-liveportrait").tables, tmp_path / "a.safetensors"
    )
    line = ["animate", str(portrait), "-", "--live", "--model", str(model), "-o", "-"]
    assert run(line) == ExitStatus.USAGE
    assert "cannot animate live" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--emit", "motion"), "video only"),
        (("--fps", "30"), "25 frames"),
        (("--pcm", "mp3"), "FORMAT"),
    ],
)
def test_what_cannot_be_had_live_is_refused(
    more: tuple[str, ...],
    words: str,
    portrait: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with stdin_of(buzz(0.2), monkeypatch):
        status = run(animate(portrait, tiny_model, *more, "-o", str(tmp_path / "a.mp4")))
    assert status == ExitStatus.USAGE
    assert words in capsys.readouterr().err


def test_sound_that_is_none_is_named(
    portrait: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with stdin_of(b"not a wav at all", monkeypatch):
        status = run(animate(portrait, tiny_model, "-o", str(tmp_path / "a.mp4")))
    assert status == ExitStatus.BAD_INPUT
    assert "error: standard input: the sound is no WAV" in capsys.readouterr().err
    line = animate(portrait, tiny_model, "-o", str(tmp_path / "a.mp4"))
    line[2] = str(tmp_path / "none.wav")
    assert run(line) == ExitStatus.BAD_INPUT
    assert "none.wav: No such file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_tape_gives_every_byte_once() -> None:
    tape = Tape(Pcm("s16le", 8000), fps=25)  # type: ignore[arg-type]
    data = os.urandom(2 * 8000)
    waves = list(
        tape.record(Heard(np.zeros(1, np.float32), data[i : i + 999]) for i in range(0, 16000, 999))
    )
    assert len(waves) == 17
    parts = [tape.until(frame) for frame in range(1, 11)]
    assert [len(part) for part in parts] == [640] * 10
    assert b"".join([*parts, tape.rest()]) == data
    assert tape.until(30) == b""


@contextmanager
def running(portrait: Path, model: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program, on raw sound in and raw pictures out."""
    line = animate(portrait, model, "--pcm", "s16le", "-o", "-", "--format", "raw")
    with subprocess.Popen(
        [sys.executable, "-m", "lipkit", *line],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as child:
        yield child
        child.kill()


def test_frames_flow_while_the_voice_goes_on_until_it_is_interrupted(
    portrait: Path, tiny_model: Path
) -> None:
    with running(portrait, tiny_model) as live:
        assert live.stdin is not None
        assert live.stdout is not None
        assert live.stderr is not None
        live.stdin.write(buzz(2))
        frame, got = 224 * 256 * 3, 0
        while got < 20 * frame:  # of 50: the input is open, and is not fed any more
            got += len(live.stdout.read(frame))
        live.send_signal(signal.SIGINT)
        while live.stdout.read(1 << 16):
            pass
        assert (live.wait(60), live.stderr.read()) == (ExitStatus.INTERRUPTED, b"")


def test_a_slow_reader_holds_the_voice_back_and_one_that_leaves_ends_it(
    portrait: Path, tiny_model: Path
) -> None:
    with running(portrait, tiny_model) as live:
        assert live.stdin is not None
        assert live.stdout is not None
        assert live.stderr is not None
        live.stdin.write(buzz(1))
        live.stdout.read(1)  # it runs
        os.set_blocking(live.stdin.fileno(), False)
        minute, written, taken = buzz(60), 0, time.monotonic()
        while written < len(minute) and time.monotonic() - taken < 3:
            try:
                written += os.write(live.stdin.fileno(), minute[written:])
                taken = time.monotonic()
            except BlockingIOError:
                time.sleep(0.1)
        assert written < len(minute)  # nothing was taken for three seconds
        live.stdout.close()
        assert (live.wait(60), live.stderr.read()) == (ExitStatus.BROKEN_PIPE, b"")
