"""Losses ask the public files of LPIPS and VideoMAE-v2, given by path, under their own names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.latentsync.judges import lpips_of, spare, video_of
from lipkit.models.parts.lpips import Lpips

MANIFEST = Path(__file__).parents[2] / "golden" / "latentsync" / "manifest_videomae_g.json"
SIZES = {1408: 32, 4224: 96, 6144: 48, 14: 112}  # of the file: of a narrow one
BLOCKS = 2


@pytest.fixture(scope="module")
def videomae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as ``vit_g_hybrid_pt_1200e_ssv2_ft.pth`` is, but narrow and short."""
    torch.manual_seed(0)
    shapes = json.loads(MANIFEST.read_text())
    tensors = {
        name: 0.2 * torch.randn([SIZES.get(size, size) for size in shape])
        for name, shape in shapes.items()
        if not name.startswith("blocks.") or int(name.split(".")[1]) < BLOCKS
    }
    path = tmp_path_factory.mktemp("videomae") / "vit_g_hybrid_pt_1200e_ssv2_ft.pth"
    torch.save({"module": tensors}, path)
    return path


def test_videomae_judges_from_its_public_file(videomae: Path) -> None:
    network = video_of(str(videomae), 16).eval().requires_grad_(False)
    assert network.form.layers == BLOCKS
    held = torch.load(videomae)["module"]
    query = network.state_dict()["body.encoder.layer.1.attention.attention.query.weight"]
    assert torch.equal(query, held["blocks.1.attn.qkv.weight"][:32])
    clips = torch.rand(1, 3, 16, 224, 224, requires_grad=True)
    whole = network(clips)
    assert whole.shape == (1, 32)
    whole.sum().backward()
    first, clips.grad = clips.grad, None
    assert first is not None
    assert first.abs().max() > 0
    spare(network)  # activations computed twice change nothing
    again = network(clips)
    torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-4)
    again.sum().backward()
    torch.testing.assert_close(clips.grad, first, rtol=1e-3, atol=1e-5)


def test_videomae_must_see_as_many_frames(videomae: Path) -> None:
    with pytest.raises(WeightsError, match="sees 16 frames, the model makes 8"):
        video_of(str(videomae), 8)


@pytest.fixture(scope="module")
def vgg() -> Lpips:
    """LPIPS with random weights."""
    torch.manual_seed(0)
    network = Lpips("vgg").eval().requires_grad_(False)
    for head in network.heads:
        head.uniform_()
    return network


def test_lpips_judges_from_its_public_files(vgg: Lpips, tmp_path: Path) -> None:
    backbone, heads = tmp_path / "vgg16-397923af.pth", tmp_path / "vgg.pth"
    features = {f"features.{name}": t for name, t in vgg.features.state_dict().items()}
    torch.save({**features, "classifier.0.weight": torch.zeros(4, 4)}, backbone)
    lines = {
        f"lin{k}.model.1.weight": head[None, :, None, None] for k, head in enumerate(vgg.heads)
    }
    torch.save(lines, heads)
    found = lpips_of(str(heads), str(backbone))
    first, second = torch.rand(2, 1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(found(first, second), vgg(first, second), rtol=1e-4, atol=1e-6)
    with pytest.raises(WeightsError, match="do not fit"):
        lpips_of(str(backbone), str(backbone))
