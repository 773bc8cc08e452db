"""Hallo's whole checkpoint fits our networks name for name, both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.errors import WeightsError
from lipkit.models.emo import convert
from lipkit.models.emo.config import EmoConfig
from lipkit.models.emo.model import Emo

GOLDEN = Path(__file__).parents[2] / "golden" / "emo"
FILES = {"imageproj": "image_proj", "audioproj": "audio_proj"}


def preset(name: str) -> EmoConfig:
    return settings.resolve(EmoConfig, preset=settings.load_preset(name).tables)


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, Tensor]:
    """Names and shapes of the released net.pth."""
    found = {}
    for part in convert.PARTS.values():
        table = json.loads((GOLDEN / f"manifest_hallo_{FILES.get(part, part)}.json").read_text())
        for name, shape in table.items():
            found[f"{part}.{name}"] = torch.empty(shape, device="meta")
    return found


@pytest.fixture(scope="module")
def hallo() -> dict[str, Tensor]:
    with torch.device("meta"):
        return Emo(preset("hallo").model).state_dict()


def test_every_official_name_is_consumed_and_every_parameter_filled(
    checkpoint: dict[str, Tensor], hallo: dict[str, Tensor]
) -> None:
    assert len(checkpoint) == 2656
    assert sum(tensor.numel() for tensor in checkpoint.values()) == 2_424_802_964
    found = convert.ours(checkpoint, hallo, "net.pth")
    assert found.keys() == hallo.keys()


def test_our_names_become_the_official_ones_again(
    checkpoint: dict[str, Tensor], hallo: dict[str, Tensor]
) -> None:
    back = convert.official(hallo)
    assert {n: t.shape for n, t in back.items()} == {n: t.shape for n, t in checkpoint.items()}


def test_what_does_not_fit_is_named(
    checkpoint: dict[str, Tensor], hallo: dict[str, Tensor]
) -> None:
    less = {name: t for name, t in checkpoint.items() if name != "audioproj.norm.bias"}
    with pytest.raises(WeightsError, match=r"1 missing: hearing\.norm\.bias"):
        convert.ours(less, hallo, "net.pth")
    more = checkpoint | {"lips.weight": torch.empty(1, device="meta")}
    with pytest.raises(WeightsError, match=r"1 unknown: lips\.weight"):
        convert.ours(more, hallo, "net.pth")
