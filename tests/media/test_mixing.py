"""New speech over the sound that was there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lipkit.errors import BadInput
from lipkit.media.audio import read_wave
from lipkit.media.mixing import BELOW_DB, mix
from lipkit.media.probe import probe


def tone(path: Path, hertz: float, seconds: float, rate: int, channels: int = 1) -> Path:
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, 1), rate)
    return path


def level(wave: np.ndarray, hertz: float) -> float:
    """Amplitude of one tone in ``wave`` at 16 kHz."""
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(wave)) / 16000)
    return float(2 * abs((wave * turn).mean()))


def test_both_are_heard_the_old_one_lower(tmp_path: Path) -> None:
    speech = tone(tmp_path / "new.wav", 400, 1.0, 24000)
    old = tone(tmp_path / "old.flac", 1000, 2.0, 44100, 2)
    out = tmp_path / "mix.mka"
    mix(speech, old, out)
    audio = probe(out).audio
    assert audio is not None
    assert (audio.rate, audio.channels) == (24000, 2)
    wave = read_wave(out)
    assert len(wave) == pytest.approx(32000, abs=40)
    both, rest = wave[1600:14400], wave[17600:30400]
    assert level(both, 400) == pytest.approx(0.5, rel=0.03)
    assert level(both, 1000) == pytest.approx(0.5 * 10 ** (BELOW_DB / 20), rel=0.03)
    assert level(rest, 400) < 0.001
    assert level(rest, 1000) == pytest.approx(0.5 * 10 ** (BELOW_DB / 20), rel=0.03)


def test_loud_sums_stay_within_scale(tmp_path: Path) -> None:
    rate = 16000
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, np.sign(np.sin(np.arange(rate) / 9)) * 0.99, rate)
    mix(tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "out.mka")
    assert np.abs(read_wave(tmp_path / "out.mka")).max() <= 1.0


def test_silent_files_are_refused(tmp_path: Path) -> None:
    from lipkit.media.video import VideoWriter

    with VideoWriter(tmp_path / "v.mp4", size=(32, 32), fps=25) as writer:
        writer.write(np.zeros((3, 32, 32, 3), np.uint8))
    speech = tone(tmp_path / "new.wav", 400, 0.2, 16000)
    with pytest.raises(BadInput, match=r"v\.mp4: no sound"):
        mix(speech, tmp_path / "v.mp4", tmp_path / "out.mka")
