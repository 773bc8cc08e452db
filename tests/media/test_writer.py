"""Sound at mux, containers, pipes, names, and what is left when writing fails."""

from __future__ import annotations

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadInput, BadUsage, LipkitError, MediaError
from lipkit.media.audio import read_wave
from lipkit.media.ffmpeg import run
from lipkit.media.probe import probe, read_tags
from lipkit.media.video import (
    AudioTrack,
    Encode,
    VideoWriter,
    frame_times,
    read_frames,
)

FAST = Encode(preset="ultrafast")
NAMES = [
    "two words.mp4",
    'it\'s "quoted".mp4',
    "new\nline.mp4",
    "-dash.mp4",
    "\U0001f5e3 emoji.mp4",
    "$(touch x).mp4",
    "%03d.mp4",
    "a:b.mp4",
    "[1];,=.mp4",
]


def blank(count: int = 5) -> np.ndarray:
    return np.full((count, 48, 64, 3), 90, np.uint8)


def write(path: Path | None, count: int = 25, **options: object) -> None:
    options = {"encode": FAST, "fps": 25, **options}
    with VideoWriter(path, size=(64, 48), **options) as writer:
        writer.write(blank(count))


def packets(path: Path) -> bytes:
    """A digest of the sound as it is stored."""
    return run(
        ["-v", "error", "-i", f"file:{path}", "-map", "0:a", "-c", "copy", "-f", "hash", "-"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name(tmp_path: Path, talk: Path, name: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = Path(name).with_suffix(".in.mp4")
    source.write_bytes(talk.read_bytes())
    write(Path(name), audio=AudioTrack(source))
    assert len(frame_times(Path(name))) == 25
    assert sum(len(f) for f in read_frames(source)) == 25
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, source.name])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied(tmp_path: Path, talk: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(path, audio=AudioTrack(talk))
    assert packets(path) == packets(talk)


def test_sound_that_the_container_lacks_is_encoded_at_its_own_rate(tmp_path: Path, make) -> None:
    wav = make("s.wav", "-f", "lavfi", "-i", "aevalsrc=0.1*sin(2000*t)|0.1*sin(900*t):s=48000:d=1")
    write(tmp_path / "a.mp4", audio=AudioTrack(wav))
    audio = probe(tmp_path / "a.mp4").audio
    assert (audio.codec, audio.rate, audio.channels) == ("aac", 48000, 2)
    write(tmp_path / "a.webm", audio=AudioTrack(wav), encode=Encode(codec="vp9"))
    assert probe(tmp_path / "a.webm").audio.codec == "opus"
    write(tmp_path / "a.mkv", audio=AudioTrack(wav))
    assert packets(tmp_path / "a.mkv") == packets(wav)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_part_of_the_sound(tmp_path: Path, make, suffix: str) -> None:
    wav = make("s.wav", "-f", "lavfi", "-i", "aevalsrc=t/10:sample_rate=8000:duration=5")
    path = tmp_path / f"a{suffix}"
    write(path, count=100, audio=AudioTrack(wav, start=1, duration=Fraction(5, 2)))
    wave = read_wave(path, 8000)
    assert len(wave) / 8000 == pytest.approx(2.5, abs=0.15)
    assert wave[12000] == pytest.approx(0.25, abs=0.01)  # heard at 1.5 s, 2.5 s in the source
    assert len(frame_times(path)) == 100


def test_late_sound_stays_late(tmp_path: Path, make, talk: Path) -> None:
    late = make(
        "late.mkv", "-i", str(talk), "-itsoffset", "0.4", "-i", str(talk), "-map", "0:v",
        "-map", "1:a", "-c", "copy",
    )  # fmt: skip
    write(tmp_path / "a.mp4", audio=AudioTrack(late))
    for path in (late, tmp_path / "a.mp4"):
        heard = np.flatnonzero(np.abs(read_wave(path)) > 0.02)[0] / 16000
        assert heard == pytest.approx(0.4, abs=0.03)


def test_no_sound_to_mux(tmp_path: Path, make) -> None:
    mute = make("m.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x48:duration=0.2")
    with pytest.raises(BadInput, match=r"m\.mp4: no sound in this file"):
        write(tmp_path / "a.mp4", audio=AudioTrack(mute))
    assert sorted(tmp_path.iterdir()) == [mute]


def test_equal_input_gives_equal_bytes(tmp_path: Path, talk: Path) -> None:
    for suffix in ("mp4", "mkv"):
        for name in "ab":
            write(tmp_path / f"{name}.{suffix}", audio=AudioTrack(talk), metadata={"lipkit": "{}"})
        a, b = (tmp_path / f"{name}.{suffix}" for name in "ab")
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_tags_are_exact(tmp_path: Path, suffix: str) -> None:
    value = '{"a": "é=;#\\\\ \\"q\\"\\n"}\nsecond line'
    write(tmp_path / f"a{suffix}", metadata={"lipkit": value, "comment": "plain"})
    tags = read_tags(tmp_path / f"a{suffix}")
    assert tags["lipkit"] == value
    assert tags["comment"] == "plain"


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_standard_output(tmp_path: Path, talk: Path, monkeypatch, container: str) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out))
    encode = Encode(preset="ultrafast", container=container)
    write(None, audio=AudioTrack(talk), encode=encode, fps=Fraction(30000, 1001))
    path = tmp_path / "out"
    path.write_bytes(out.getvalue())
    assert frame_times(path) == [k * Fraction(1001, 30000) for k in range(25)]
    assert packets(path) == packets(talk)


def test_reader_that_goes_away() -> None:
    script = (
        "import numpy as np\n"
        "from lipkit.media.video import VideoWriter, Encode\n"
        "frames = np.random.default_rng(0).integers(0, 255, (8, 240, 320, 3), dtype=np.uint8)\n"
        "try:\n"
        "    with VideoWriter(None, size=(320, 240), fps=25, encode=Encode('ffv1')) as writer:\n"
        "        for _ in range(200): writer.write(frames)\n"
        "except BrokenPipeError:\n"
        "    raise SystemExit(141)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    process.stdout.read(1000)
    process.stdout.close()
    assert process.wait(60) == 141


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")

    def interrupted() -> None:
        with VideoWriter(target, size=(64, 48), fps=25) as writer:
            writer.write(blank())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert target.read_bytes() == b"old"


def test_nothing_written_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.mp4: cannot encode: no frame was written"):
        write(tmp_path / "a.mp4", count=0)
    assert list(tmp_path.iterdir()) == []


def test_ffmpeg_words_on_failure(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.mp4: .*preset"):
        write(tmp_path / "a.mp4", encode=Encode(preset="nonsense"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "encode", "words"),
    [
        ("a.xyz", Encode(), "no video format is called '.xyz'"),
        ("a", Encode(), "no video format"),
        ("a.mp4", Encode(codec="h265x"), "unknown video codec 'h265x'"),
        ("a.mp4", Encode(codec="ffv1"), "mp4 does not carry ffv1"),
        ("a.webm", Encode(), "webm does not carry h264"),
        ("a.mp4", Encode(codec="h264_videotoolboxx"), "unknown video codec"),
        ("a.mov", Encode(codec="prores", lossless=True), "prores cannot keep every pixel"),
        ("a.mp4", Encode(container="avi"), "unknown format 'avi'"),
    ],
)
def test_wrong_settings(tmp_path: Path, name: str, encode: Encode, words: str) -> None:
    with pytest.raises(BadUsage, match=words):
        write(tmp_path / name, encode=encode)
    assert list(tmp_path.iterdir()) == []


def test_hardware_that_is_not_there(tmp_path: Path) -> None:
    words = "a.mp4: .*h264_vaapi needs its device|no encoder h264_vaapi"
    with pytest.raises(LipkitError, match=words) as caught:
        write(tmp_path / "a.mp4", encode=Encode(codec="h264_vaapi"))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(LipkitError, match=r"a\.mp4: no folder .*create it first"):
        write(tmp_path / "none" / "a.mp4")


def test_attachments_need_matroska(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="mp4 has no attachments"):
        write(tmp_path / "a.mp4", attachments={"x": b"1"})
