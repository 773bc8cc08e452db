"""Every official name has its place at full size; what the networks see and cannot see."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.wav2lip import convert
from lipkit.models.wav2lip.discriminator import Discriminator
from lipkit.models.wav2lip.generator import Generator, beheaded
from lipkit.models.wav2lip.syncnet import Expert, lips_of

MANIFESTS = Path(__file__).parents[2] / "golden" / "vlogger"
FILES: dict[str, tuple[str, type[nn.Module]]] = {
    "wav2lip-gan": ("wav2lip_generator", Generator),
    "wav2lip-expert": ("wav2lip_syncnet_color", Expert),
    "wav2lip-judge": ("wav2lip_disc_qual", Discriminator),
}


def manifest(name: str) -> dict[str, Tensor]:
    shapes = json.loads((MANIFESTS / f"{name}.json").read_text())["shapes"]
    return {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}


@pytest.mark.parametrize("name", FILES)
def test_official_files_fill_every_parameter_and_go_back(name: str) -> None:
    file, network = FILES[name]
    given = {f"module.{key}": tensor for key, tensor in manifest(file).items()}
    checkpoint = Checkpoint(given, {}, Path(f"{file}.pth"))
    found, config = convert.adopt(checkpoint, SimpleNamespace(name=name))
    prefix = "generator." if network is Generator else ""
    expected = {f"{prefix}{key}": t.shape for key, t in convert.skeleton(network).items()}
    assert {key: tensor.shape for key, tensor in found.items()} == expected
    assert config == ({"width": 16, "judges": False} if network is Generator else {})
    back = convert.official(found)
    assert {key: tensor.shape for key, tensor in back.items()} == {
        key: tensor.shape for key, tensor in given.items()
    }


def test_counters_may_be_missing_and_nothing_else() -> None:
    given = manifest("wav2lip_generator")
    bare = {k: t for k, t in given.items() if not k.endswith("num_batches_tracked")}
    wanted = SimpleNamespace(name="wav2lip")
    found, _ = convert.adopt(Checkpoint(bare, {}, Path("x.pth")), wanted)
    assert found.keys() == {f"generator.{key}" for key in given}
    del bare["output_block.1.bias"]
    with pytest.raises(WeightsError, match=r"1 missing: output_block\.1\.bias"):
        convert.adopt(Checkpoint(bare, {}, Path("x.pth")), wanted)


@torch.no_grad()
def test_a_clip_is_its_frames() -> None:
    torch.manual_seed(0)
    network = Generator(2).eval()
    faces, mels = torch.rand(2, 6, 3, 96, 96), torch.rand(2, 3, 1, 80, 16)
    clip = network(mels, faces)
    for b in range(2):
        for f in range(3):
            single = network(mels[b : b + 1, f], faces[b : b + 1, :, f])
            torch.testing.assert_close(clip[b : b + 1, :, f], single, rtol=1e-4, atol=1e-4)


def test_only_lower_halves_are_judged() -> None:
    torch.manual_seed(0)
    clip = torch.rand(1, 3, 5, 96, 96)
    other = clip.clone()
    other[..., :48, :] = 0
    with torch.no_grad():
        judge = Discriminator(2).eval()
        assert torch.equal(judge(clip), judge(other))
        assert not torch.equal(judge(clip), judge(1 - clip))
    assert torch.equal(lips_of(clip), lips_of(other))
    assert lips_of(clip).shape == (1, 15, 48, 96)
    assert torch.equal(lips_of(clip)[0, 3:6], clip[0, :, 1, 48:])


def test_the_face_to_complete_has_no_mouth() -> None:
    faces = torch.rand(2, 3, 96, 96)
    seen = beheaded(faces)
    assert not seen[:, :3, 48:].any()
    assert torch.equal(seen[:, :3, :48], faces[:, :, :48])
    assert torch.equal(seen[:, 3:], faces)
