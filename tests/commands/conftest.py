"""A model small enough to test with, and files to feed the verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from lipkit import config, ui
from lipkit.models.parts import checkpoint
from lipkit.models.vasa.config import VasaConfig
from lipkit.models.vasa.model import build

TINY = {
    "model": {
        "frontend": {"width": 8, "dilations": [1]},
        "generator": {"width": 24, "layers": 1, "heads": 2, "window": 10, "context": 4},
    }
}


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one call said about verbosity must not reach the next test."""
    monkeypatch.setattr(ui, "settings", ui.Settings())


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with random weights of the embedded default's design."""
    run = tmp_path_factory.mktemp("run")
    settings = config.resolve(VasaConfig, preset=TINY)
    torch.manual_seed(0)
    checkpoint.save(
        build(settings.model),
        run / "weights.safetensors",
        name="tiny",
        config=config.as_tables(settings)["model"],
        origin={"family": "vasa", "steps": {}},
    )
    return run


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 224x256 pixels with a real face."""
    path = tmp_path_factory.mktemp("portrait") / "face with space.png"
    Image.fromarray(astronaut[:256, 112:336]).save(path)
    return path


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0.8 s of a voice-like buzz in stereo at 44.1 kHz."""
    t = np.arange(round(0.8 * 44100)) / 44100
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 20))
    wave = 0.2 * buzz * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * t))
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, np.stack([wave, wave], 1), 44100)
    return path
