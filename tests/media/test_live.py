from __future__ import annotations

import io
import os
import threading
import wave as wav
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from lipkit.errors import BadInput, BadUsage
from lipkit.media.ffmpeg import run
from lipkit.media.live import LiveSound, Resampler
from lipkit.media.pcm import Pcm, parse


def tone(rate: int, seconds: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(
        np.float32
    )


def wav_bytes(samples: np.ndarray, rate: int, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wav.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


@contextmanager
def piped(data: bytes, piece: int = 777) -> Iterator[io.BufferedReader]:
    """A pipe into which ``data`` trickles in odd pieces."""
    out, into = os.pipe()

    def feed() -> None:
        with os.fdopen(into, "wb", buffering=0) as file:
            for i in range(0, len(data), piece):
                file.write(data[i : i + piece])

    thread = threading.Thread(target=feed)
    thread.start()
    with os.fdopen(out, "rb") as reader:
        yield reader
        reader.read()
    thread.join()


def heard(data: bytes, pcm: Pcm | None = None) -> tuple[np.ndarray, bytes]:
    with piped(data) as pipe:
        pieces = list(LiveSound(pipe, pcm))
    return np.concatenate([p.wave for p in pieces]), b"".join(p.data for p in pieces)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
def test_sound_of_any_rate_arrives_without_joints(rate: int) -> None:
    wave = tone(rate)
    got, data = heard(wav_bytes(wave, rate))
    assert len(got) == pytest.approx(8000, abs=1)
    inside = slice(200, 7800)
    np.testing.assert_allclose(got[inside], tone(16000)[: len(got)][inside], atol=2e-2)
    assert np.abs(np.diff(got, 2)[200:-200]).max() < 0.03  # a click would stand out
    assert len(data) == 2 * len(wave)


@pytest.mark.parametrize("rate", [8000, 44100, 96000])
def test_pieces_are_resampled_as_the_whole(rate: int) -> None:
    wave = tone(rate) + tone(rate, hertz=1234.5)
    resample = Resampler(rate)
    sizes = [1, 3, 500, 17, 1024] * 40
    edges = np.cumsum([0, *sizes]).clip(max=len(wave))
    pieces = [resample.push(wave[a:b]) for a, b in pairwise(edges)]
    got = np.concatenate([*pieces, resample.push(wave[edges[-1] :]), resample.flush()])
    whole = resample_poly(wave, resample.up, resample.down, window=resample.filter)
    np.testing.assert_allclose(got, whole[: len(got)], atol=1e-6)
    assert len(resample.held) < 2 * (resample.down + resample.margin) + 2048


def test_stereo_becomes_its_mean() -> None:
    left = tone(16000)
    both = np.stack([left, np.zeros_like(left)], 1).reshape(-1)
    got, data = heard(wav_bytes(both, 16000, 2))
    np.testing.assert_allclose(got, left / 2, atol=1e-4)
    assert len(data) == 4 * len(left)


@pytest.mark.parametrize("form", ["u8", "s16le", "s24le", "s32le", "f32le", "f64le"])
def test_wavs_that_ffmpeg_pipes_are_read(form: str, tmp_path: Path) -> None:
    source = tmp_path / "a.wav"
    source.write_bytes(wav_bytes(tone(16000), 16000))
    piped_wav = run(["-i", str(source), "-c:a", f"pcm_{form}", "-f", "wav", "pipe:1"])
    assert piped_wav[4:8] == b"\xff" * 4  # the length was not known
    got, _ = heard(piped_wav)
    np.testing.assert_allclose(got, tone(16000), atol=1e-2 if form == "u8" else 1e-4)


def test_raw_samples_need_a_word_and_may_break_off_within_one() -> None:
    data = (tone(8000) * 32767).astype("<i2").tobytes() + b"\x01"
    got, kept = heard(data, parse("s16le,8000"))
    assert len(got) == 8000
    assert kept == data[:-1]


def test_a_length_in_the_header_ends_the_sound() -> None:
    got, _ = heard(wav_bytes(tone(16000), 16000) + b"LIST\x04\0\0\0abcd")
    assert len(got) == 8000


def test_what_is_no_number_is_silence() -> None:
    data = np.array([0.5, np.nan, np.inf, -0.5], "<f4").tobytes()
    got, _ = heard(data, Pcm("f32le"))
    np.testing.assert_array_equal(got, np.float32([0.5, 0, 0, -0.5]))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no sound came"),
        (b"ID3\x04 an mp3 and more of it", "no WAV.*--pcm"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + b"\x07\0\x01\0" + b"\0" * 12, "kind 7"),
        (b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff\0\0", "damaged"),
        (b"RIFF\xff\xff\xff\xffWAVEJUNK\xff\xff\xff\x7f", "damaged"),
    ],
)
def test_streams_that_are_no_sound_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        heard(data)


@pytest.mark.parametrize(
    "text", ["s16", "s16le,eight", "s16le,8000,1,1", "s16le,8", "s16le,8000,0"]
)
def test_layouts_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="--pcm"):
        parse(text)


def test_closing_ends_the_wait_for_sound() -> None:
    out, into = os.pipe()
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "wb"):
        sound = LiveSound(reader, Pcm())
        threading.Timer(0.05, sound.close).start()
        assert sum(len(piece.wave) for piece in sound) == 0


def test_nothing_is_read_before_it_is_asked_for() -> None:
    out, into = os.pipe()
    os.set_blocking(into, False)
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "wb", buffering=0) as writer:
        pieces = iter(LiveSound(reader, Pcm()))
        written = 0
        while got := writer.write(bytes(1 << 16)):
            written += got
        first = next(pieces)
        assert len(first.data) <= 1 << 16
        assert written <= 1 << 20  # the pipe is full: the writer waits
