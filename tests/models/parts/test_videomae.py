"""VideoMAE v2's official file fills transformers' network; other files are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts import videomae
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.videomae import VideoMae, VideoMaeForm

MANIFEST = Path(__file__).parents[2] / "golden" / "latentsync" / "manifest_videomae_g.json"


def official() -> dict[str, torch.Tensor]:
    shapes = json.loads(MANIFEST.read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def test_every_official_name_is_used_and_every_parameter_filled() -> None:
    state, form = videomae.adopt(Checkpoint(official(), {}, Path("vit_g.pth")))
    assert VideoMaeForm(**form) == VideoMaeForm()
    assert sum(t.numel() for t in state.values()) > 1e9


def narrow() -> dict[str, torch.Tensor]:
    """The first four blocks, and a width that makes no work."""
    sizes = {1408: 24, 4224: 72, 6144: 48}
    return {
        name: torch.empty([sizes.get(size, size) for size in tensor.shape], device="meta")
        for name, tensor in official().items()
        if not name.startswith("blocks.") or int(name.split(".")[1]) < 4
    }


def test_a_missing_tensor_is_named() -> None:
    tensors = narrow()
    videomae.adopt(Checkpoint(dict(tensors), {}, Path("vit.pth")), heads=2)
    del tensors["blocks.2.attn.qkv.weight"]
    with pytest.raises(WeightsError, match=r"3 missing: body\.encoder\.layer\.2\.attention"):
        videomae.adopt(Checkpoint(tensors, {}, Path("vit.pth")), heads=2)
    with pytest.raises(WeightsError, match="no VideoMAE"):
        videomae.adopt(Checkpoint({"a": torch.zeros(1)}, {}, Path("x.pth")))


def test_features_know_the_order_of_frames() -> None:
    torch.manual_seed(0)
    form = VideoMaeForm(width=24, layers=1, heads=2, inner=48, size=28, frames=4)
    network = VideoMae(form).eval()
    clips = torch.rand(2, 3, 4, 28, 28)
    with torch.no_grad():
        forth, back = network(clips), network(clips.flip(2))
    assert forth.shape == (2, 24)
    assert not torch.allclose(forth, back, atol=1e-4)
