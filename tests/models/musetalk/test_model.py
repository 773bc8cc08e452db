"""Every official name has its place at full size; what the network sees of faces and sound."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.musetalk import convert, pixels
from lipkit.models.musetalk.config import ModelConfig, UNetConfig
from lipkit.models.musetalk.network import FaceUNet, placed
from lipkit.models.parts import vae
from lipkit.models.parts.diffusion_config import VaeConfig
from lipkit.models.parts.foreign import Checkpoint

MANIFEST = Path(__file__).parents[2] / "golden" / "vlogger" / "musetalk_unet.json"


def manifest() -> dict[str, Tensor]:
    shapes = json.loads(MANIFEST.read_text())["shapes"]
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


@pytest.mark.parametrize("preset", ["musetalk-1.0", "musetalk-1.5"])
def test_the_official_file_fills_every_parameter_and_goes_back(preset: str) -> None:
    given = manifest()
    checkpoint = Checkpoint(given, {}, Path("unet.pth"))
    found, tables = convert.adopt(checkpoint, SimpleNamespace(name=preset))
    assert found.keys() == convert.skeleton(ModelConfig()).keys()
    assert tables["final_norm"] == (preset == "musetalk-1.5")
    back = convert.official(found)
    shapes = {key: tensor.shape for key, tensor in given.items()}
    assert {key: tensor.shape for key, tensor in back.items()} == shapes


def test_another_unet_is_refused() -> None:
    given = {name: tensor for name, tensor in manifest().items() if name != "conv_out.bias"}
    given["conv_in.weight"] = torch.empty(320, 4, 3, 3, device="meta")
    with pytest.raises(WeightsError) as caught:
        convert.adopt(Checkpoint(given, {}, Path("unet.pth")), SimpleNamespace(name="musetalk-1.5"))
    assert "unet.conv_out.bias" in caught.value.message
    assert "unet.conv_in.weight 320x4x3x3, expected 320x8x3x3" in caught.value.message


@torch.no_grad()
def test_places_in_the_sound_matter_only_when_told() -> None:
    torch.manual_seed(0)
    form = UNetConfig(widths=(32, 32), attention=(0,), layers=1, heads=2, context=16)
    network = FaceUNet(form).eval()
    latents, audio = torch.randn(2, 8, 8, 8), torch.randn(2, 10, 16)
    turned = audio.flip(1)
    torch.testing.assert_close(
        network(latents, audio), network(latents, turned), rtol=1e-4, atol=1e-4
    )
    told = network(latents, placed(audio)) - network(latents, placed(turned))
    assert told.abs().max() > 1e-4


@torch.no_grad()
def test_half_a_face_tells_nothing_of_the_mouth() -> None:
    torch.manual_seed(0)
    small = VaeConfig(widths=(32, 32, 32, 32), layers=1, weights="")
    network = vae.build(small).eval()
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    faces[1, :, :32] = faces[0, :, :32]
    seen = pixels.both(network, faces)
    assert seen.shape == (2, 8, 8, 8)
    assert torch.equal(seen[0, :4], seen[1, :4])
    assert not torch.equal(seen[0, 4:], seen[1, 4:])


def test_eight_bits_and_back() -> None:
    faces = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    assert torch.equal(pixels.eight_bit(pixels.unit(faces)), faces)
    assert pixels.eight_bit(torch.full((1, 3, 1, 1), 1.7)).max() == 255
