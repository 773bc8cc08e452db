"""Every official name has its place at full size, both ways."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vasa.codecs.liveportrait import convert, official
from lipkit.models.vasa.codecs.liveportrait.config import LivePortraitConfig

MANIFESTS = Path(__file__).parents[3] / "golden" / "vasa"
FILES = {
    "appearance": "appearance_feature_extractor",
    "motion": "motion_extractor",
    "warping": "warping_module",
    "decoder": "spade_generator",
    "retargeting": "stitching_retargeting",
}


def manifest(name: str) -> dict[str, Tensor]:
    text = (MANIFESTS / f"manifest_liveportrait_{FILES[name]}.json").read_text()
    return {key: torch.empty(shape, device="meta") for key, shape in json.loads(text).items()}


def checkpoints() -> list[Checkpoint]:
    return [Checkpoint(manifest(name), {}, Path(f"{name}.pth")) for name in FILES]


def test_the_released_files_fill_the_model() -> None:
    tensors, tables = convert.adopt(checkpoints())
    assert tensors.keys() == convert.skeleton(LivePortraitConfig()).keys()
    assert tables["motion"]["depths"] == (3, 3, 9, 3)


@pytest.mark.parametrize("name", FILES)
def test_ours_go_back_to_official_names(name: str) -> None:
    back = official.official(convert.skeleton(LivePortraitConfig()))[name]
    shapes = {key: tuple(tensor.shape) for key, tensor in manifest(name).items()}
    assert {key: tuple(tensor.shape) for key, tensor in back.items()} == shapes


def test_a_spectral_norm_goes_there_and_back() -> None:
    torch.manual_seed(0)
    weight = {"G_middle_0.conv_0.weight": torch.randn(5, 4, 3, 3), "fc.weight": torch.randn(2, 2)}
    there = official.unfolded(weight)
    assert "fc.weight" in there
    assert "G_middle_0.conv_0.weight" not in there
    back = convert.folded(there)
    assert torch.allclose(back["G_middle_0.conv_0.weight"], weight["G_middle_0.conv_0.weight"])


def test_groups_that_nothing_needs_are_left_out() -> None:
    given = checkpoints()
    given[-1].tensors["retarget_ears.module.mlp.0.weight"] = torch.empty(1, device="meta")
    convert.adopt(given)


def test_a_missing_tensor_is_named() -> None:
    given = checkpoints()
    del given[2].tensors["dense_motion_network.mask.bias"]
    with pytest.raises(WeightsError, match=r"warping\.pth.*1 missing: dense_motion\.mask\.bias"):
        convert.adopt(given)
