"""``lipkit sync`` by LatentSync's design with random weights: the contracts hold for it as well."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit import config, models
from lipkit.cli import run
from lipkit.errors import ExitStatus
from lipkit.media.probe import probe
from lipkit.media.video import frame_times
from lipkit.models.latentsync import convert
from lipkit.models.latentsync.model import build
from tests.commands.conftest import film_head, frames_of, untrained


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the tiny preset's design, autoencoder included."""
    tables = config.load_preset("tiny-latentsync").tables
    return untrained("latentsync", tables, tmp_path_factory.mktemp("run") / "weights.safetensors")


@pytest.fixture(scope="module")
def talk(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Over half a second of a head that moves a little, at 30 frames a second."""
    return film_head(tmp_path_factory.mktemp("film") / "talk.mkv", astronaut, frames=20)


def sync(*arguments: object) -> int:
    return run(["sync", *map(str, arguments)])


def test_the_lower_face_is_drawn_anew_and_nothing_else(
    talk: Path, speech: Path, weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mkv"
    options = ["--model", weights, "--steps", 2, "--scheduler", "dpm++", "--speed", "fast"]
    options += ["--video-codec", "ffv1"]
    assert sync(talk, speech, "-o", out, *options) == ExitStatus.OK
    before, after = frames_of(talk), frames_of(out)
    assert frame_times(out) == frame_times(talk)
    assert probe(out).audio is not None
    changed = (before != after).any(-1)
    assert changed.any((1, 2)).all()
    assert not changed[:, :70].any()  # brows and all above
    assert not changed[:, :, :20].any()
    assert 0.05 < changed.mean() < 0.5


def test_missing_weights_say_how_to_get_them(
    talk: Path,
    speech: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    out = tmp_path / "x.mp4"
    assert sync(talk, speech, "-o", out, "--model", "latentsync-1.5") == ExitStatus.WEIGHTS
    assert "lipkit models pull latentsync-1.5" in capsys.readouterr().err
    assert not out.exists()


def test_presets_of_the_store_are_listed_once_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    assert run(["models", "list"]) == ExitStatus.OK
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("latentsync-1.6"))
    assert line.split()[1:4] == ["sync", "pull", "5070"]
    assert run(["models", "show", "latentsync-1.6", "--json"]) == ExitStatus.OK
    assert json.loads(capsys.readouterr().out)["settings"]["model"]["resolution"] == 512


def test_a_knob_of_another_family_is_a_usage_error(
    talk: Path, speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.mp4"
    assert sync(talk, speech, "-o", out, "--speed", "fast") == ExitStatus.USAGE
    assert "this model knows no --speed" in capsys.readouterr().err


def test_an_official_file_is_taken_in_and_loads(
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path / "store"))
    small = convert.preset_form("tiny-latentsync")
    small = replace(small, vae=replace(small.vae, weights="sd-vae-ft-mse"))
    unet = build(small).unet
    official = tmp_path / "latentsync_unet.pt"
    torch.save({"global_step": 1, "state_dict": convert.official(unet.state_dict())}, official)
    name = ["--name", "latentsync-1.5"]
    assert run(["models", "import", str(official), *name]) == ExitStatus.WEIGHTS
    said = capsys.readouterr().err
    assert "these weights do not fit" in said
    assert "missing" in said
    monkeypatch.setattr(convert, "preset_form", lambda name: small)
    assert run(["models", "import", str(official), *name]) == ExitStatus.OK
    loaded = models.load("latentsync-1.5", verb="sync", device="cpu")
    assert loaded.config.model == small
    found = loaded.module.unet.state_dict()
    assert all(torch.equal(found[key], tensor) for key, tensor in unet.state_dict().items())
