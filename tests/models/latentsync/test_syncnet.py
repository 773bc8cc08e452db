"""StableSyncNet: official names and sizes, any config of the official kind, cosines from 0 to 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lipkit.errors import BadUsage, WeightsError
from lipkit.models.latentsync import syncnet
from lipkit.models.parts.foreign import Checkpoint
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "golden" / "latentsync"
LATENT = {
    "audio_encoder": {
        "in_channels": 1,
        "block_out_channels": [32, 64, 128, 256, 512, 1024],
        "downsample_factors": [[2, 1], 2, 2, 2, 2, [2, 3]],
        "attn_blocks": [0] * 6,
        "dropout": 0.0,
    },
    "visual_encoder": {
        "in_channels": 64,
        "block_out_channels": [64, 128, 256, 256, 512, 1024],
        "downsample_factors": [2, 2, 2, 1, 2, 2],
        "attn_blocks": [0] * 6,
        "dropout": 0.0,
    },
}
SMALL: dict[str, Any] = {
    "audio_encoder": {
        "in_channels": 1,
        "block_out_channels": [32, 32, 64],
        "downsample_factors": [[2, 1], 2, [2, 3]],
        "attn_blocks": [0, 1, 0],
    },
    "visual_encoder": {
        "in_channels": 6,
        "block_out_channels": [32, 64, 64],
        "downsample_factors": [[1, 2], 2, 2],
        "attn_blocks": [0, 0, 1],
        "dropout": 0.1,
    },
}


def manifest(name: str) -> dict[str, torch.Tensor]:
    """The tensors of a public file, without numbers."""
    shapes = json.loads((FOLDER / f"manifest_{name}.json").read_text())
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


@pytest.mark.parametrize(
    ("name", "config", "size"),
    [
        ("stable_syncnet", {}, 401.31),
        ("stable_syncnet_pixel_noattn", {}, 371.77),
        ("stable_syncnet_latent", LATENT, 65.54),
    ],
)
def test_official_files_fit_name_by_name(name: str, config: Any, size: float) -> None:
    given = manifest(name)
    state, found = syncnet.adopt(Checkpoint(given, config, Path(name)))
    assert state.keys() == given.keys()
    network = syncnet.build(syncnet.SyncNetConfig.of(found))
    network.load_state_dict(state, assign=True)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(size, abs=0.005)


def test_other_weights_are_refused() -> None:
    given = manifest("stable_syncnet")
    del given["audio_encoder.norm_out.bias"]
    given["unet.conv.weight"] = torch.empty(1)
    with pytest.raises(WeightsError, match=r"1 unknown: unet.conv.weight; 1 missing: audio_enc"):
        syncnet.adopt(Checkpoint(given, {}, Path("x.pt")))


def test_embeddings_have_length_one_and_nothing_below_nought() -> None:
    torch.manual_seed(0)
    network = syncnet.StableSyncNet(syncnet.SyncNetConfig.of(SMALL)).eval()
    frames = torch.rand(3, 2, 3, 16, 16) * 2 - 1
    half = syncnet.lower_half(frames)
    assert half.shape == (3, 6, 8, 16)
    assert torch.equal(half[:, 3], frames[:, 1, 0, 8:])
    with torch.inference_mode():
        lips, voice = network(half[..., :4, :8], torch.rand(3, 1, 8, 8))
    for found in (lips, voice):
        assert found.shape == (3, 64)
        assert torch.allclose(found.norm(dim=1), torch.ones(3))
        assert found.min() >= 0
    assert network.config.frames == 2


def test_stages_must_leave_one_place() -> None:
    network = syncnet.StableSyncNet(syncnet.SyncNetConfig.of(SMALL)).eval()
    with pytest.raises(BadUsage, match="leave 2x2 of 8x16 places"):
        network.visual_encoder(torch.zeros(1, 6, 8, 16))


def test_lists_of_settings_must_fit_each_other() -> None:
    table = SMALL | {"visual_encoder": SMALL["visual_encoder"] | {"downsample_factors": [2, 2]}}
    with pytest.raises(BadUsage, match="downsample_factors: 2 values for 3 stages"):
        syncnet.SyncNetConfig.of(table)


def test_settings_without_attention_have_none() -> None:
    table = {k: v for k, v in SMALL["audio_encoder"].items() if k != "attn_blocks"}
    names = syncnet.Encoder(syncnet.EncoderConfig.of(table)).state_dict()
    assert not any(".attn." in name for name in names)
