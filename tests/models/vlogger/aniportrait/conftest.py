"""A model that a laptop draws by in a moment, and a head for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from lipkit import config as settings
from lipkit.models.vlogger.aniportrait.config import AniPortraitConfig
from lipkit.models.vlogger.aniportrait.model import AniPortrait, build
from lipkit.protocols import Face

GOLDEN = Path(__file__).parents[3] / "golden" / "vlogger"
HEARING = {
    "width": 32,
    "layers": 2,
    "heads": 4,
    "inner": 64,
    "convolutions": [16] * 7,
    "positions": 16,
    "position_groups": 4,
}
TINY = {
    "model": {
        "resolution": 64,
        "fps": 25,
        "shaper_hearing": HEARING,
        "poser_hearing": HEARING | {"states": "mean"},
        "shaper": {"width": 32},
        "poser": {"width": 32, "layers": 1, "inner": 32},
        "guider": {"width": 32, "heads": 2, "head_width": 8},
        "unet": {"widths": [32, 64, 128, 128], "layers": 1, "heads": 2, "context": 24},
        "vae": {"widths": [32, 32, 32, 32], "layers": 1, "weights": ""},
        "sight": {
            "weights": "",
            "resolution": 32,
            "patch": 16,
            "width": 32,
            "layers": 1,
            "heads": 2,
            "inner": 32,
            "view": 24,
        },
    },
    "sampling": {"steps": 2, "guidance": 2.0, "window": 4, "overlap": 1},
}


@pytest.fixture(scope="session")
def tiny() -> AniPortraitConfig:
    return settings.resolve(AniPortraitConfig, preset=TINY)


@pytest.fixture(scope="session")
def model(tiny: AniPortraitConfig) -> AniPortrait:
    torch.manual_seed(7)
    made = build(tiny.model).eval()
    for module in made.modules():  # what begins as zeros would hide what it does
        if isinstance(module, torch.nn.Linear) and not module.weight.any():
            torch.nn.init.normal_(module.weight, std=0.05)
    return made


@pytest.fixture(scope="session")
def face() -> Face:
    """A face that fills a picture of 512 x 512."""
    points = load_file(GOLDEN / "ap_face_geometry.safetensors")["in.landmarks478"] * 512
    box = np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])
    return Face(box, points, 1.0)
