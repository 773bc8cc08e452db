"""say: speech of texts, its voices, and every way it refuses."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lipkit.artifacts.clip import read_provenance
from lipkit.artifacts.motion import read_motion
from lipkit.audio import espeak
from lipkit.cli import run
from lipkit.errors import ExitStatus, LipkitError


def call(*arguments: Any) -> int:
    return run(["say", *map(str, arguments)])


def pitch(wave: np.ndarray) -> float:
    """Cycles a second, roughly, of the loudest period between 60 and 400 a second at 22050."""
    spectrum = np.abs(np.fft.rfft(wave, 1 << 18)) ** 2
    alike = np.fft.irfft(spectrum)[22050 // 400 : 22050 // 60]
    return 22050 / (22050 // 400 + int(alike.argmax()))


def test_a_text_becomes_sound_that_says_how_it_was_made(tmp_path: Path) -> None:
    target = tmp_path / "hello.wav"
    assert call("Hello, world", "-o", target, "--voice", "en-us+f3") == ExitStatus.OK
    wave, rate = soundfile.read(target)
    assert rate == 22050
    assert 0.5 < len(wave) / rate < 3
    assert np.abs(wave).max() > 0.1
    record = read_provenance(target)
    assert record["verb"] == "say"
    assert record["settings"]["voice"] == "en-us+f3"
    assert record["inputs"][0]["name"] == "text"


def test_settings_are_heard(tmp_path: Path) -> None:
    def spoken(*options: Any) -> np.ndarray:
        target = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        assert call("one two three four", "-o", target, *options) == ExitStatus.OK
        return soundfile.read(target)[0]

    plain = spoken()
    assert len(spoken("--rate", 320)) < 0.8 * len(plain)
    assert len(spoken("--voice", "de")) != pytest.approx(len(plain), rel=0.02)
    assert pitch(spoken("--pitch", 90)) > 1.3 * pitch(plain)


def test_stdin_to_stdout_and_always_the_same() -> None:
    command = [sys.executable, "-m", "lipkit", "say", "-", "--voice", "de"]
    said = [
        subprocess.run(command, input="Grüß Gott".encode(), capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert len(soundfile.read(io.BytesIO(said[0]))[0]) > 5000


def test_every_listed_voice_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--json") == ExitStatus.OK
    found = json.loads(capsys.readouterr().out)
    codes = [voice["code"] for voice in found["voices"]]
    variants = [voice["code"] for voice in found["variants"]]
    assert {"en-us", "en-gb", "fr-fr", "de", "es-419", "pt-br"} <= set(codes)
    assert len(codes) == len(set(codes)) > 100
    assert {"f3", "m1", "whisper"} <= set(variants)
    assert call("--voices") == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(codes) + len(variants) + 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], ExitStatus.USAGE, "no TEXT given"),
        (["Hi", "--voice", "en-uss"], ExitStatus.USAGE, "did you mean en-us?"),
        (["Hi", "--voice", "en-us+ff3"], ExitStatus.USAGE, r"did you mean en-us\+f3\?"),
        (["... !"], ExitStatus.BAD_INPUT, "neither letters nor digits"),
        (["Hi", "--rate", "10"], ExitStatus.USAGE, "10 is not in the range"),
        (["Hi", "-o", "no/where.wav"], ExitStatus.FAILED, "there is no folder no"),
    ],
)
def test_refuses(
    arguments: list[str],
    status: ExitStatus,
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = arguments if not arguments or "-o" in arguments else [*arguments, "-o", "x.wav"]
    assert call(*given) == status
    assert re.search(said, capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_without_a_synthesizer_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    monkeypatch.setattr(espeak.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    with pytest.raises(LipkitError, match=r"pip install 'lipkit\[tts\]'") as problem:
        espeak.bundled.__wrapped__()
    assert problem.value.status == ExitStatus.FAILED


def test_animate_speaks_a_text(portrait: Path, tiny_model: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    wish = ["animate", str(portrait), "--model", str(tiny_model), "--emit", "motion", "-o"]
    assert run([*wish, str(target), "--text", "Hello", "--voice", "en-gb"]) == ExitStatus.OK
    motion = read_motion(target)
    assert motion.sound is not None
    heard = motion.provenance["inputs"][0]
    assert heard["name"] == "said.wav"
    assert heard["history"]["settings"]["voice"] == "en-gb"


def test_animate_takes_portraits_from_a_list(
    portrait: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "faces.txt").write_text(f"{portrait}\n")
    out = tmp_path / "out"
    wish = ["animate", "--files-from", str(tmp_path / "faces.txt"), "--model", str(tiny_model)]
    wish += ["--emit", "motion", "--out-dir", str(out)]
    assert run([*wish, "--text", "Hello"]) == ExitStatus.OK
    assert [path.name for path in out.iterdir()] == [f"{portrait.stem}-said.safetensors"]
