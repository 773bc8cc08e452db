"""embed-audio: files, pipes, batches, and every way it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from lipkit.artifacts.features import read_features
from lipkit.audio import whisper
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.models.parts import weights

SHAPE = {"d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}


@pytest.fixture
def spoken(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sound of so many seconds: noise in its first half, nothing in the second."""

    def write(name: str = "said.wav", seconds: float = 2.0, rate: int = 16000) -> Path:
        count = round(seconds * rate)
        wave = 0.1 * np.random.default_rng(0).standard_normal(count)
        wave[count // 2 :] = 0
        soundfile.write(tmp_path / name, wave, rate)
        return tmp_path / name

    return write


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Weights of a narrow whisper-tiny, which the catalogue then expects."""
    state = whisper.build(SHAPE | {"max_source_positions": 1500}).state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {name: torch.randn(t.shape, generator=generator) / 4 for name, t in state.items()}
    save_file(state, tmp_path / "narrow.safetensors")
    small = replace(weights.find("whisper-tiny"), layers=1, width=16)
    monkeypatch.setattr(weights, "catalogue", lambda: {"whisper-tiny": small})
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    return tmp_path / "narrow.safetensors"


def call(*arguments: Any) -> int:
    return run(["embed-audio", *map(str, arguments)])


@pytest.mark.parametrize(("encoder", "width"), [("mel", 80), ("mel-64", 64)])
def test_mels_need_no_weights(
    spoken: Callable[..., Path], tmp_path: Path, encoder: str, width: int
) -> None:
    target = tmp_path / "out.safetensors"
    assert call(spoken(rate=44100), "--encoder", encoder, "-o", target) == ExitStatus.OK
    features, header = read_features(target)
    assert features.data.shape == (200, 1, width)
    assert (features.encoder, features.rate) == (encoder, Fraction(100))
    assert features.silence is not None
    assert features.silence[150:].all()
    assert not features.silence[10:90].any()
    record = header["provenance"]
    assert record["verb"] == "embed-audio"
    assert record["inputs"][0]["name"] == "said.wav"
    assert header["source"] == record["inputs"][0]["sha256"]


def test_weights_by_path_and_layers(
    spoken: Callable[..., Path], narrow: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.safetensors"
    options = ["--encoder", "whisper-tiny", "--weights", narrow, "--device", "cpu"]
    assert call(spoken(), *options, "-o", target) == ExitStatus.OK
    every, header = read_features(target)
    assert every.data.shape == (100, 2, 16)
    assert header["provenance"]["weights"] == {"whisper-tiny": weights.digest_of(narrow)}
    assert str(tmp_path) not in json.dumps(header)
    assert call(spoken(), *options, "--layers", "last", "-o", target, "-f") == ExitStatus.OK
    last, header = read_features(target)
    assert header["indices"] == [1]
    np.testing.assert_array_equal(last.data, every.data[:, 1:])


def test_missing_weights_name_the_remedy(
    spoken: Callable[..., Path], narrow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.safetensors"
    assert call(spoken(), "--encoder", "whisper-tiny", "-o", target) == ExitStatus.WEIGHTS
    assert "`lipkit models pull whisper-tiny`" in capsys.readouterr().err
    assert not target.exists()


def test_pipes(spoken: Callable[..., Path]) -> None:
    command = [sys.executable, "-m", "lipkit", "embed-audio", "-", "--encoder", "mel-64", "-o", "-"]
    piped = subprocess.run(command, input=spoken().read_bytes(), capture_output=True, check=True)
    length = int.from_bytes(piped.stdout[:8], "little")
    table = json.loads(piped.stdout[8 : 8 + length])
    assert table["features"]["shape"] == [200, 1, 64]
    assert piped.stderr == b""


def test_a_batch_reports_every_item(
    spoken: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good, odd = spoken("a b.wav"), spoken("-c.wav")
    (tmp_path / "bad.wav").write_text("this is no sound")
    names = "\0".join(map(str, [good, odd, tmp_path / "bad.wav"]))
    (tmp_path / "list").write_text(names)
    status = call("--files-from", tmp_path / "list", "-0", "--out-dir", tmp_path / "out")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert status == ExitStatus.PARTIAL
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    assert rows[0]["steps"] == 200
    assert 0.4 < rows[0]["silent"] < 0.6
    assert rows[2]["exit"] == ExitStatus.BAD_INPUT
    assert (tmp_path / "out" / "-c.safetensors").exists()
    monkeypatch.chdir(tmp_path)
    options = ["--out-dir", "out", "--skip-existing"]
    assert call(*options, "--", "a b.wav", "-c.wav") == ExitStatus.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["status"] for row in rows] == ["skipped", "skipped"]


def test_folders_stand_for_what_sounds_in_them(
    spoken: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = tmp_path / "in" / "deep"
    inside.mkdir(parents=True)
    options = ["--out-dir", tmp_path / "out", "-j", "2"]
    assert call(tmp_path / "in", *options) == ExitStatus.BAD_INPUT
    for name in ("one.wav", "two.wav"):
        spoken(name).replace(inside / name)
    (inside / "notes.txt").write_text("no sound")
    (inside / "empty.wav").touch()
    capsys.readouterr()
    assert call(tmp_path / "in", *options) == ExitStatus.OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(Path(row["output"]).name for row in rows) == [
        "one.safetensors",
        "two.safetensors",
    ]


def test_equal_inputs_give_equal_bytes(spoken: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert call(spoken(), "-o", tmp_path / name) == ExitStatus.OK
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "whisper-tinny"], "did you mean whisper-tiny?"),
        (["--layers", "last"], "--layers means nothing to the encoder mel"),
        (["--encoder", "whisper-tiny", "--fps", "25"], "--fps means nothing"),
        (["--encoder", "hubert-base", "--joints", "hard"], "--joints means nothing"),
        (["--encoder", "hubert-base", "--fps", "often"], "--fps often"),
        (["--encoder", "hubert-base", "--fps", "1/0"], "--fps 1/0"),
    ],
)
def test_options_that_make_no_sense(
    spoken: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert call(spoken(), *arguments, "-o", tmp_path / "out") == ExitStatus.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.wav", "empty.wav", "text.wav", "short.wav", "mute.png"])
def test_unusable_inputs(
    spoken: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    from PIL import Image

    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is no sound")
    soundfile.write(tmp_path / "short.wav", np.zeros(1), 16000)
    Image.new("RGB", (8, 8)).save(tmp_path / "mute.png")
    assert call(tmp_path / name, "-o", tmp_path / "out") == ExitStatus.BAD_INPUT
    error = capsys.readouterr().err
    assert name in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_features_files_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    from lipkit.artifacts.tensors import write_tensors
    from lipkit.errors import BadInput

    header = {"encoder": "mel", "rate": "100", "steps": 9, "layers": 1, "width": 4}
    data = np.zeros((9, 1, 4), np.float32)
    cases = [
        ({"features": data[:5]}, header),
        ({"features": data, "silence": np.zeros(8, bool)}, header),
        ({"features": data}, header | {"rate": "0"}),
        ({"features": data}, {"encoder": "mel"}),
        ({"other": data}, header),
    ]
    for tensors, said in cases:
        write_tensors(tmp_path / "x", "features", tensors, said)
        with pytest.raises(BadInput):
            read_features(tmp_path / "x")


def test_features_of_another_encoder_are_refused() -> None:
    from lipkit.artifacts.features import require_encoder
    from lipkit.errors import BadInput
    from lipkit.protocols import Features

    features = Features(np.zeros((3, 1, 80), np.float32), Fraction(100), "mel")
    require_encoder(features, "mel", 1, 80, "x")
    with pytest.raises(BadInput, match=r"mel \(1 layers of 80\), but this model needs whisper"):
        require_encoder(features, "whisper-tiny", 5, 384, "x")
