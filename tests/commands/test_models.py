"""models: list, show, pull, import, verify."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lipkit import config, provenance
from lipkit.audio import whisper
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.models.parts import hub, weights

SHAPE = {"d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A narrow whisper-tiny as its makers would store it, known by its digest."""
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    state = whisper.build(SHAPE | {"max_source_positions": 1500}).state_dict()
    path = tmp_path / "tiny.pt"
    torch.save({"encoder." + name: torch.zeros(t.shape) for name, t in state.items()}, path)
    known = (provenance.digest(path),)
    small = replace(weights.find("whisper-tiny"), layers=1, width=16, known=known)
    every = {"whisper-tiny": small, "hubert-base": weights.find("hubert-base")}
    monkeypatch.setattr(weights, "catalogue", lambda: every)
    return path


def call(*arguments: Any) -> int:
    return run(["models", *map(str, arguments)])


def test_list_shows_presets_and_encoders(
    official: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list") == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    heads = ["name", "for", "weights", "size", "memory", "licence", "what"]
    assert lines[0].split() == heads
    assert {line.split()[0] for line in lines[1:]} == {
        *config.preset_names(),
        "whisper-tiny",
        "hubert-base",
    }
    assert call("list", "--json") == ExitStatus.OK
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["whisper-tiny"]["present"] is False
    presets = [row for row in rows.values() if row["kind"] == "preset"]
    assert all(row["licence"] and row["task"] and row["memory"]["weights"] > 0 for row in presets)
    assert rows["builtin"]["memory"]["peak"] > rows["builtin"]["memory"]["weights"]
    assert (rows["wav2lip"]["verbs"], rows["wav2lip"]["present"]) == (["sync"], False)
    assert rows["whisper-tiny"]["repository"] == "openai/whisper-tiny"


@pytest.mark.parametrize("preset", config.preset_names())
def test_show_prints_settings_that_config_takes(
    preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lipkit import registry

    assert call("show", preset) == ExitStatus.OK
    text = capsys.readouterr().out
    family = registry.resolve(registry.FAMILIES, config.load_preset(preset).family, "family")
    (tmp_path / "shown.toml").write_text(text)
    again = config.resolve(registry.load(family.config), file=str(tmp_path / "shown.toml"))
    plain = json.loads(json.dumps(config.as_tables(again)))
    assert call("show", preset, "--json") == ExitStatus.OK
    assert json.loads(capsys.readouterr().out)["settings"] == plain


def test_show_of_an_encoder_is_toml(official: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("show", "hubert-base") == ExitStatus.OK
    assert tomllib.loads(capsys.readouterr().out)["licence"] == "Apache-2.0"
    assert call("show", "hubert-bass") == ExitStatus.USAGE
    assert "did you mean hubert-base?" in capsys.readouterr().err


def test_import_recognises_verifies_and_keeps(
    official: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("import", official) == ExitStatus.OK
    name, digest, path = capsys.readouterr().out.split()
    assert (name, Path(path).parent.name) == ("whisper-tiny", "store")
    assert call("verify", "--json") == ExitStatus.OK
    found = {row["name"]: row["digest"] for row in json.loads(capsys.readouterr().out)}
    assert set(found) == {"builtin", "whisper-tiny"}
    assert found["whisper-tiny"] == digest
    assert call("import", official) == ExitStatus.USAGE
    assert "--force replaces it" in capsys.readouterr().err
    assert call("import", official, "--force") == ExitStatus.OK
    assert call("show", "whisper-tiny") == ExitStatus.OK
    shown = tomllib.loads(capsys.readouterr().out.split("\n", 1)[1])
    assert shown["present"] is True
    assert shown["origin"]["file"] == "tiny.pt"


def test_import_refuses_what_it_does_not_know_or_cannot_use(
    official: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    assert call("import", tmp_path / "other.safetensors") == ExitStatus.USAGE
    assert "say --name" in capsys.readouterr().err
    named = ["import", tmp_path / "other.safetensors", "--name", "whisper-tiny"]
    assert call(*named) == ExitStatus.WEIGHTS
    assert "no Whisper encoder" in capsys.readouterr().err
    assert call("import", tmp_path / "nothing") == ExitStatus.WEIGHTS
    assert not weights.folder().exists() or not list(weights.folder().iterdir())


def test_verify_finds_damage(official: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("verify") == ExitStatus.OK
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["builtin"]
    assert call("verify", "whisper-tiny") == ExitStatus.WEIGHTS
    call("import", official)
    stored = weights.locate("whisper-tiny")
    stored.write_bytes(stored.read_bytes()[:-1] + b"\x01")
    capsys.readouterr()
    assert call("verify") == ExitStatus.PARTIAL
    assert "damaged" in capsys.readouterr().err
    assert call("verify", "whisper-tiny") == ExitStatus.WEIGHTS


def test_pull_goes_on_after_a_failure_and_leaves_alone_what_is_here(
    official: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lipkit.errors import WeightsError

    asked = []

    def pull(wanted: weights.WeightSet, *, offline: bool) -> None:
        asked.append((wanted.name, offline))
        raise WeightsError(f"{wanted.name} is out of reach")

    monkeypatch.setattr(hub, "pull", pull)
    call("import", official)
    capsys.readouterr()
    assert call("pull", "whisper-tiny", "hubert-base", "--offline", "--json") == ExitStatus.PARTIAL
    captured = capsys.readouterr()
    assert [row["status"] for row in json.loads(captured.out)] == ["ok", "failed"]
    assert "whisper-tiny is here already" in captured.err
    assert "378 MB, pytorch_model.bin of facebook/hubert-base-ls960, Apache-2.0" in captured.err
    assert asked == [("hubert-base", True)]
    assert call("pull", "whisper-tiny", "--force") == ExitStatus.WEIGHTS
    assert call("pull", "nobody") == ExitStatus.USAGE


def test_pull_brings_what_a_model_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(hub, "pull", lambda wanted, offline: asked.append(wanted.name))
    assert call("pull", "latentsync-1.5", "whisper-tiny", "-q") == ExitStatus.OK
    assert asked == ["latentsync-1.5", "sd-vae-ft-mse", "whisper-tiny"]


def test_alone_it_shows_its_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == ExitStatus.OK
    assert "verify" in capsys.readouterr().out


def test_graphs_are_imported_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    file = tmp_path / "w600k_r50.onnx"
    file.write_bytes(b"graph")
    assert call("import", file) == ExitStatus.USAGE
    assert "say --name arcface-r50" in capsys.readouterr().err
    assert call("import", file, "--name", "arcface-r50") == ExitStatus.OK
    assert (tmp_path / "store" / "arcface-r50.onnx").read_bytes() == b"graph"
    assert provenance.digest(file) in capsys.readouterr().out
    assert call("verify") == ExitStatus.OK
    assert call("list") == ExitStatus.OK
    rows = {line.split()[0]: line.split()[2] for line in capsys.readouterr().out.splitlines()[2:]}
    assert (rows["arcface-r50"], rows["arcface-r100"], rows["sface"]) == ("here", "import", "pull")
