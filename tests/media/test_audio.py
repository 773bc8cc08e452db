"""Sound of every kind, and of the kinds that are broken."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.media.audio import read_wave, wave_chunks


def tone(make, name: str, *args: str, rate: int = 48000, seconds: float = 2) -> Path:
    return make(
        name, "-f", "lavfi", "-i", f"aevalsrc=0.5*sin(2*PI*440*t):s={rate}:d={seconds}", *args
    )


def pitch(wave: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(wave)).argmax() * rate / len(wave))


@pytest.mark.parametrize(
    ("name", "args", "source_rate"),
    [
        ("a.wav", (), 48000),
        ("a.wav", ("-c:a", "pcm_mulaw"), 8000),
        ("a.mp3", (), 44100),
        ("a.flac", (), 96000),
        ("a.opus", (), 48000),
        ("a.m4a", (), 44100),
    ],
)
@pytest.mark.parametrize("rate", [16000, 24000])
def test_any_format_at_any_rate(make, name, args, source_rate: int, rate: int) -> None:
    wave = read_wave(tone(make, name, *args, rate=source_rate), rate)
    assert wave.dtype == np.float32
    assert len(wave) == pytest.approx(2 * rate, abs=0.06 * rate)
    assert pitch(wave, rate) == pytest.approx(440, abs=1)
    assert np.abs(wave[rate // 2 : rate]).max() == pytest.approx(0.5, abs=0.03)


def test_stereo_and_surround_become_mono_without_clipping(make) -> None:
    stereo = make("s.wav", "-f", "lavfi", "-i", "aevalsrc=0.9*sin(900*t)|0.9*sin(900*t):d=1")
    assert np.abs(read_wave(stereo)).max() == pytest.approx(0.9, abs=0.02)
    voice = "0.1*sin(900*t)"
    surround = make(
        "s.flac", "-f", "lavfi", "-i", f"aevalsrc=0|0|{voice}|0.9|0|0|0|0:c=7.1:s=48000:d=1"
    )
    wave = read_wave(surround)  # the centre carries speech; the constant 0.9 is the bass channel
    assert np.abs(wave).max() > 0.01
    assert abs(wave.mean()) < 0.005


def test_chunks_join_to_the_whole(make) -> None:
    path = tone(make, "a.wav", rate=44100)
    chunks = list(wave_chunks(path, seconds=0.3))
    assert {len(c) for c in chunks[:-1]} == {4800}
    assert np.array_equal(np.concatenate(chunks), read_wave(path))


def test_one_hour_is_read_in_chunks(make) -> None:
    hour = make(
        "h.flac", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "3600", "-c:a", "flac"
    )
    sizes = [len(chunk) for chunk in wave_chunks(hour, 8000)]
    assert max(sizes) == 240_000
    assert sum(sizes) == 3600 * 8000


def test_silence_is_sound(make) -> None:
    path = make("s.wav", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "1")
    assert np.array_equal(read_wave(path), np.zeros(16000, np.float32))


def test_one_sample(make) -> None:
    path = tone(make, "a.wav", "-af", "atrim=end_sample=1", rate=16000)
    assert read_wave(path).shape == (1,)


def test_wave_can_be_written_to(make) -> None:
    assert read_wave(tone(make, "a.wav")).flags.writeable


def test_truncated_wave_is_read_with_a_warning(make, tmp_path: Path, caplog) -> None:
    path = tmp_path / "t.wav"
    path.write_bytes(tone(make, "a.wav", rate=16000).read_bytes()[:32_044])
    with caplog.at_level(logging.WARNING):
        wave = read_wave(path)
    assert 15_900 <= len(wave) <= 16_000
    assert "t.wav: breaks off after 1.00 s" in caplog.text


def test_whole_wave_gives_no_warning(make, caplog) -> None:
    read_wave(tone(make, "a.wav"))
    assert not caplog.records


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a media file"),
        (b"plain words, no sound\n" * 40, "not a media file"),
        (bytes(5000), "not a media file"),
    ],
)
def test_no_sound_at_all(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=rf"a\.wav: {words}") as caught:
        read_wave(path)
    assert "\n" not in str(caught.value)


def test_header_without_samples(make) -> None:
    path = tone(make, "a.wav", "-t", "0")
    with pytest.raises(BadInput, match=r"a\.wav"):
        read_wave(path)


def test_video_without_sound(make) -> None:
    path = make("v.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x48:duration=0.2")
    with pytest.raises(BadInput, match=r"v\.mp4: no sound in this file"):
        read_wave(path)
