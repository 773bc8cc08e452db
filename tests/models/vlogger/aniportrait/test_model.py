"""Settings that cannot fit are refused, and weights come back as they were written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from lipkit import config as settings
from lipkit.errors import BadUsage
from lipkit.models.parts import checkpoint
from lipkit.models.vlogger.aniportrait.config import AniPortraitConfig
from lipkit.models.vlogger.aniportrait.model import AniPortrait, build


def test_weights_fill_a_hollow_model(
    model: AniPortrait, tiny: AniPortraitConfig, tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    origin = {"family": "aniportrait"}
    checkpoint.save(model, path, name="x", config=asdict(tiny.model), origin=origin)
    with checkpoint.hollow():
        empty = build(tiny.model)
    checkpoint.load(empty, path)
    everything = [*empty.state_dict().items(), *empty.named_buffers()]
    assert not [name for name, tensor in everything if tensor.is_meta]
    known = model.state_dict()
    assert all(torch.equal(known[name], tensor) for name, tensor in empty.state_dict().items())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.resolution", "96"),
        ("model.guider.width", "64"),
        ("model.sight.view", "64"),
        ("sampling.overlap", "16"),
    ],
)
def test_settings_that_cannot_fit_are_refused(key: str, value: str) -> None:
    with pytest.raises((BadUsage, ValueError), match=key.rsplit(".", 1)[1]):
        settings.resolve(AniPortraitConfig, sets=[f"{key}={value}"])
