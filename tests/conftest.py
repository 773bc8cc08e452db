"""Fixtures that many test files share."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Ctrl-C reaches what tests start, though a background job of a shell ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Random weights and inputs are the same in every run: a test fails always or never."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of golden tensors and real media beside the checkout; skips where it is absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("no shared/ folder beside the checkout")
    return path


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A real portrait (h, w, 3) uint8 RGB, public domain."""
    from PIL import Image

    with Image.open(ROOT / "lipkit" / "assets" / "astronaut.png") as image:
        return np.asarray(image.convert("RGB"))
