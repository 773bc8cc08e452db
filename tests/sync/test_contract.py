"""What every model inherits, over generated videos of all rates, lengths, gaps, sizes and turns."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lipkit.media.audio import read_wave
from lipkit.media.ffmpeg import QUIET, run, url
from lipkit.media.probe import require_video
from lipkit.media.storage import store_like
from lipkit.media.video import Encode, VideoWriter, frame_times, read_frames
from lipkit.sync import sound
from lipkit.sync.cast import Role
from lipkit.sync.clock import Clock, lay
from lipkit.sync.driver import Performance, perform
from lipkit.sync.source import Source
from tests.sync.films import LOSSLESS, Blinker, film, speech, square, steady, track_for

NTSC = Fraction(1001, 1000)
RATES = [24 / NTSC, Fraction(24), Fraction(25), 30 / NTSC, Fraction(30), Fraction(50), 60 / NTSC]
few = settings(
    max_examples=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Case:
    """A video, a sound, and what to do where they differ."""

    times: tuple[Fraction, ...]
    size: tuple[int, int] = (48, 32)
    suffix: str = ".mkv"
    turn: int = 0
    missing: tuple[int, ...] = ()
    seconds: float = 1.0
    length: str = "longest"
    extend: str = "pingpong"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 40))
    if draw(st.booleans()):
        times = steady(count, draw(st.sampled_from(RATES)))
    else:
        spans = draw(st.lists(st.integers(11, 70), min_size=count, max_size=count))
        times = [Fraction(sum(spans[:k]), 1000) for k in range(count)]
    holes = draw(st.sets(st.integers(0, count - 1), max_size=max(0, count // 2)))
    return Case(
        tuple(times),
        draw(st.sampled_from([(48, 32), (32, 48), (64, 64), (50, 34)])),
        draw(st.sampled_from([".mkv", ".mp4"])),
        draw(st.sampled_from([0, 90, 180, 270])),
        tuple(sorted(holes)),
        draw(st.integers(50, 2000)) / 1000,
        draw(st.sampled_from(["longest", "video", "audio", "shortest"])),
        draw(st.sampled_from(["pingpong", "loop", "hold"])),
    )


@dataclass(frozen=True)
class Result:
    """What one case came to."""

    clock: Clock
    before: np.ndarray  # decoded source frames
    after: np.ndarray  # decoded frames of the result
    times: list[Fraction]
    packets: tuple[list[bytes], list[bytes]]  # of the sound, given and muxed


def packets(path: Path) -> list[bytes]:
    """The sound's packets, as digests without their times."""
    text = run([*QUIET, "-i", url(path), "-map", "0:a:0", "-c", "copy", "-f", "framemd5", "-"])
    rows = [row for row in text.splitlines() if not row.startswith(b"#")]
    return [row.split(b",")[-1].strip() for row in rows]


def turned(path: Path, degrees: int) -> Path:
    """The same file, shown turned, where its container can say so."""
    if not degrees or path.suffix != ".mp4":
        return path
    out = path.with_name("turned.mp4")
    turn = ("-display_rotation", str(-degrees))
    run([*QUIET, *turn, "-i", url(path), "-map", "0", "-c", "copy", url(out)])
    return out


def made_of(case: Case, folder: Path, threads: int = 1) -> Result:
    """The case from files to a file, with a lossless encoder."""
    encode = LOSSLESS if case.suffix == ".mkv" else Encode("h264", lossless=True)
    path = film(folder / f"in{case.suffix}", case.times, case.size, encode=encode)
    path = turned(path, case.turn)
    voice_path = speech(folder / "voice.flac", case.seconds, 44100)
    _, video = require_video(path)
    source = Source(path, frame_times(path), video.size)
    editor = Blinker()
    voice, seconds = sound.hear(editor, voice_path)
    assert abs(float(seconds) - case.seconds) < 0.001
    clock = lay(source.times, video.fps, seconds, case.length, case.extend)
    track = track_for(source.times, video.size, case.missing)
    cast = [Role(track, editor.study(track, source.read))]
    out = folder / "out.mkv"
    with (
        sound.soundtrack(voice_path, clock, case.length) as audio,
        VideoWriter(out, size=video.size, times=clock.times, audio=audio, encode=LOSSLESS) as sink,
    ):
        for frames in perform(source, clock, Performance(editor, voice, cast), threads=threads):
            sink.write(frames)
    before = np.concatenate(list(read_frames(path)))
    after = np.concatenate(list(read_frames(out)))
    return Result(clock, before, after, frame_times(out), (packets(voice_path), packets(out)))


@few
@example(Case(tuple(steady(30, 60 / NTSC)), suffix=".mp4", turn=90, missing=(3, 4)))
@example(Case(tuple(steady(12)), seconds=1.5, length="audio"))
@example(Case((Fraction(0),), seconds=0.5, length="audio", extend="loop"))
@given(cases())
def test_contract(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = made_of(case, Path(folder))
    clock = result.clock
    assert len(result.after) == len(clock)
    # Matroska counts milliseconds.
    assert all(
        abs(a - b) <= Fraction(1, 1000) for a, b in zip(result.times, clock.times, strict=True)
    )
    if case.length == "video":
        assert clock.times == tuple(case.times)
    before = result.before[list(clock.rows)]
    size = (before.shape[2], before.shape[1])
    assert (size == case.size) == (
        case.suffix == ".mkv" or case.turn % 180 == 0 or size[0] == size[1]
    )
    x0, y0, x1, y1 = square(track_for(case.times, size), 0)
    same = (result.after == before).all(-1)
    gone = np.isin(clock.rows, case.missing)
    assert same[gone].all()
    same[:, y0:y1, x0:x1] = True
    assert same.all()
    given, muxed = result.packets
    assert muxed == given[: len(muxed)]
    if case.length in ("longest", "audio"):
        assert muxed == given


def test_sound_keeps_its_rate_and_channels(tmp_path: Path) -> None:
    result = made_of(Case(tuple(steady(40)), seconds=3.0, length="video"), tmp_path)
    given, muxed = result.packets
    assert 0 < len(muxed) < len(given)
    out = tmp_path / "out.mkv"
    assert len(read_wave(out)) / 16000 == pytest.approx(40 / 25, abs=0.11)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_show(tmp_path: Path, threads: int) -> None:
    case = Case(tuple(steady(40, 30 / NTSC)), missing=(5, 6, 7), seconds=2.0)
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    one, many = made_of(case, first), made_of(case, second, threads)
    assert (one.after == many.after).all()
    assert (first / "out.mkv").read_bytes() == (second / "out.mkv").read_bytes()


@pytest.mark.parametrize(
    ("stored", "out", "pixel", "kept"),
    [
        (Encode("hevc", pixel="yuv420p10le"), "a.mp4", "rgb48", "yuv420p10le"),
        (Encode("ffv1", lossless=True), "a.mkv", "rgb48", "yuv420p10le"),
        (Encode("prores"), "a.mov", "rgba", "yuva444p12le"),
        (Encode("vp9"), "a.webm", "rgba", "yuv420p"),
    ],
)
def test_depth_and_alpha_stay(
    tmp_path: Path, stored: Encode, out: str, pixel: str, kept: str
) -> None:
    ramp = np.linspace(10000, 50000, 64 * 48 * 4).reshape(1, 48, 64, 4)
    frames = np.repeat(ramp, 6, 0).astype(np.uint16)
    frames = frames[..., :3] if pixel == "rgb48" else (frames >> 8).astype(np.uint8)
    path = tmp_path / f"source{Path(out).suffix}"
    with VideoWriter(path, size=(64, 48), fps=25, encode=stored, pixel=pixel) as writer:
        writer.write(frames)
    _, video = require_video(path)
    container = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov", ".webm": "webm"}
    storage = store_like(video, container[Path(out).suffix])
    assert not storage.notes
    source = Source(path, frame_times(path), video.size, storage.pixel)
    track = track_for(source.times, video.size)
    clock = lay(source.times, video.fps, Fraction(1), "video")
    editor = Blinker()
    cast = [Role(track, editor.study(track, source.read))]
    voice = np.zeros(16000, np.float32)
    made = np.concatenate(list(perform(source, clock, Performance(editor, voice, cast))))
    decoded = np.concatenate(list(read_frames(path, pixel=storage.pixel)))
    assert made.dtype == decoded.dtype
    assert (made[..., 3:] == decoded[..., 3:]).all()
    with VideoWriter(
        tmp_path / out, size=video.size, times=clock.times, encode=storage.encode,
        pixel=storage.pixel, color=storage.color,
    ) as sink:  # fmt: skip
        sink.write(made)
    _, result = require_video(tmp_path / out)
    assert result.pix_fmt == kept
    assert result.alpha == video.alpha
    assert result.bit_depth == video.bit_depth or stored.lossless
