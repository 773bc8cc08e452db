"""Every official name has its place at full size, both ways; a file that does not fit says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.latentsync import convert
from lipkit.models.parts import hub, vae, weights
from lipkit.models.parts.convert import convert as fit
from lipkit.models.parts.diffusion_config import MotionConfig, VideoUNetConfig
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.video_unet import VideoUNet

MANIFESTS = Path(__file__).parents[2] / "golden" / "latentsync"
ALL = MotionConfig(levels=(0, 1, 2, 3))
FORMS = {
    "unet_v10": VideoUNetConfig(),
    "unet_stage1": VideoUNetConfig(),
    "unet_v15": VideoUNetConfig(motion=ALL),
    "unet_stage2_efficient": VideoUNetConfig(motion=replace(ALL, encoder=False)),
}


def manifest(name: str) -> dict[str, Tensor]:
    shapes = json.loads((MANIFESTS / f"manifest_{name}.json").read_text())
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


def checkpoint(name: str) -> Checkpoint:
    return Checkpoint(manifest(name), {}, Path(f"{name}.pt"))


@pytest.mark.parametrize("name", FORMS)
def test_every_official_name_is_used_and_every_parameter_filled(name: str) -> None:
    expected = convert.skeleton(FORMS[name])
    assert fit(manifest(name), convert.UNET, expected, name).keys() == expected.keys()


@pytest.mark.parametrize("name", FORMS)
def test_ours_go_back_to_official_names(name: str) -> None:
    version = "1.0" if name.endswith("v10") else "1.5"
    back = convert.official(convert.skeleton(FORMS[name]), version)
    shapes = {key: tuple(tensor.shape) for key, tensor in manifest(name).items()}
    assert {key: tuple(tensor.shape) for key, tensor in back.items()} == shapes


@pytest.mark.parametrize(
    ("preset", "file"),
    [
        ("latentsync-1.0", "unet_v10"),
        ("latentsync-1.5", "unet_v15"),
        ("latentsync-1.6", "unet_v15"),
    ],
)
def test_presets_adopt_their_files(preset: str, file: str) -> None:
    tensors, tables = convert.adopt(checkpoint(file), SimpleNamespace(name=preset))
    assert all(name.startswith("unet.") for name in tensors)
    assert tables["resolution"] == (512 if preset.endswith("1.6") else 256)


def test_a_file_of_another_version_is_named() -> None:
    with pytest.raises(WeightsError) as caught:
        hub.adopted(checkpoint("unet_v10"), weights.find("latentsync-1.5"))
    assert caught.value.hint == "they fit latentsync-1.0: give --name"
    assert "540 missing: down_blocks.0.motion_modules.0.norm.weight, " in caught.value.message
    assert caught.value.message.count("motion_modules") == 5
    with pytest.raises(WeightsError) as caught:
        hub.adopted(checkpoint("unet_v15"), weights.find("musetalk-1.5"))
    assert caught.value.hint == "they fit latentsync-1.5 and latentsync-1.6: give --name"
    assert " unknown: " in caught.value.message


def test_a_file_that_fits_nothing_is_refused_too() -> None:
    with pytest.raises(WeightsError, match="unknown: strange"):
        convert.adopt(
            Checkpoint({"strange": torch.zeros(1)}, {}, Path("x.pt")),
            SimpleNamespace(name="latentsync-1.6"),
        )


def test_the_autoencoder_of_both_ages_fits() -> None:
    new = manifest("vae_sd")
    assert vae.adopt(Checkpoint(new, {}, Path("vae")), None)[0].keys() == new.keys()
    parts = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = {}
    for name, tensor in new.items():
        for now, then in parts.items():
            name = name.replace(f".attentions.0.{now}.", f".attentions.0.{then}.")
        old[name] = tensor
    assert old.keys() != new.keys()
    assert vae.adopt(Checkpoint(old, {}, Path("vae")), None)[0].keys() == new.keys()


def test_stage_two_begins_as_stage_one() -> None:
    small = VideoUNetConfig(widths=(32, 32), attention=(0,), layers=1, heads=2, context=8, groups=8)
    still = VideoUNet(small).eval()
    for parameter in still.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    moving = VideoUNet(replace(small, motion=MotionConfig(levels=(0, 1), heads=2))).eval()
    given = convert.official(still.state_dict())
    taken = convert.initialise(moving.state_dict(), given)
    assert taken.keys() == still.state_dict().keys()
    moving.load_state_dict(moving.state_dict() | taken)
    clip, audio = torch.randn(1, 13, 4, 8, 8), torch.randn(4, 3, 8)
    with torch.no_grad():
        assert torch.equal(moving(clip, 7, audio), still(clip, 7, audio))
