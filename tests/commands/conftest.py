"""A model small enough to test with, and files to feed the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from lipkit import config, registry, ui
from lipkit.faces.warping import warp
from lipkit.media.video import Encode, VideoWriter, read_frames
from lipkit.models.parts import checkpoint

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


def frames_of(path: Path) -> np.ndarray:
    """All frames ``(f, h, w, 3)`` of a video."""
    return np.concatenate(list(read_frames(path)))


def untrained(family: str, tables: Mapping[str, Any], path: Path, name: str = "tiny") -> Path:
    """``path``, with random weights of a family's design by a preset's ``tables``."""
    design = registry.resolve(registry.FAMILIES, family, "family")
    settings = config.resolve(registry.load(design.config), preset=tables)
    torch.manual_seed(0)
    checkpoint.save(
        registry.load(design.build)(settings.model),
        path,
        name=name,
        config=config.as_tables(settings)["model"],
        origin={"family": family, "steps": {}},
    )
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with random weights of the embedded default's design."""
    run = tmp_path_factory.mktemp("run")
    return untrained("vasa", TINY, run / "weights.safetensors").parent


def film_head(path: Path, picture: np.ndarray, frames: int) -> Path:
    """``path``, with a film of ``picture``'s head moving a little, at 30 frames a second."""
    shifts = [np.array([[1.0, 0, -90 + k / 2], [0, 1.0, -10 + k / 3]]) for k in range(frames)]
    with VideoWriter(path, size=(256, 256), fps=30, encode=Encode("ffv1")) as writer:
        writer.write(np.stack([warp(picture, shift, (256, 256)) for shift in shifts]))
    return path


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
