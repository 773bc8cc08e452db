"""A fresh model begins with what Stable Diffusion, AnimateDiff, Hallo or another run knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.emo.beginnings import begin
from lipkit.models.emo.convert import official
from lipkit.models.emo.model import Emo, build
from lipkit.models.parts.convert import Rule, renamed
from lipkit.models.parts.motion_modules import TO_ANIMATEDIFF

from .conftest import lively, resolved

NEW = re.compile("motion_modules|audio_modules|speed_layers")


@pytest.fixture(scope="module")
def known() -> Emo:
    """A trained model, as far as files go."""
    return lively(resolved().model)


@pytest.fixture
def fresh() -> Emo:
    torch.manual_seed(1)
    return build(resolved().model)


def unet(model: Emo) -> dict[str, Tensor]:
    """Its backbone under the names of Stable Diffusion's UNet."""
    return {n: t for n, t in model.backbone.state_dict().items() if not NEW.search(n)}


def write(path: Path, tensors: dict[str, Tensor]) -> str:
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
    return str(path)


def test_stable_diffusion_fills_both_unets(known: Emo, fresh: Emo, tmp_path: Path) -> None:
    begin(fresh, write(tmp_path / "unet.safetensors", unet(known)))
    for name, tensor in unet(known).items():
        assert torch.equal(fresh.backbone.state_dict()[name], tensor)
        if name in fresh.reference.state_dict():
            assert torch.equal(fresh.reference.state_dict()[name], tensor)
    name = next(
        n for n in fresh.backbone.state_dict() if n.endswith("proj_out.weight") and NEW.search(n)
    )
    assert not fresh.backbone.state_dict()[name].any()  # motion still adds nothing


def test_text_attention_gives_what_fits(known: Emo, tmp_path: Path) -> None:
    torch.manual_seed(1)
    form = resolved(**{"model.reference.mode": "cross"}).model
    model = build(form)
    tensors = unet(lively(form))
    keys = [name for name in tensors if name.endswith(("attn2.to_k.weight", "attn2.to_v.weight"))]
    assert keys
    wide = tensors | {name: torch.zeros(len(tensors[name]), 768) for name in keys}
    begin(model, write(tmp_path / "unet.safetensors", wide))
    assert all(model.backbone.state_dict()[name].any() for name in keys)
    query = keys[0].replace("to_k", "to_q")
    assert torch.equal(model.backbone.state_dict()[query], tensors[query])


def test_animatediff_fills_the_motion_modules_alone(known: Emo, fresh: Emo, tmp_path: Path) -> None:
    motion = {n: t for n, t in known.backbone.state_dict().items() if "motion_modules" in n}
    theirs = renamed(motion, (*TO_ANIMATEDIFF, Rule(r"(.+)", r"\1")))
    before = unet(fresh)
    begin(fresh, write(tmp_path / "mm.safetensors", theirs))
    state = fresh.backbone.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in motion.items())
    assert all(torch.equal(state[name], tensor) for name, tensor in before.items())
    del theirs[next(iter(theirs))]
    with pytest.raises(WeightsError, match="these are missing"):
        begin(fresh, write(tmp_path / "less.safetensors", theirs))


def test_hallo_and_runs_give_all_that_they_have(known: Emo, fresh: Emo, tmp_path: Path) -> None:
    for tensors in (official(known.state_dict()), dict(known.state_dict())):
        begin(fresh, write(tmp_path / "net.safetensors", tensors))
        state = fresh.state_dict()
        assert all(torch.equal(state[name], t) for name, t in known.state_dict().items())


def test_what_does_not_fit_is_refused(known: Emo, fresh: Emo, tmp_path: Path) -> None:
    tensors = unet(known) | {"conv_in.weight": torch.zeros(320, 4, 3, 3)}
    with pytest.raises(WeightsError, match=r"of another size: reference.conv_in.weight 320x4x3x3"):
        begin(fresh, write(tmp_path / "large.safetensors", tensors))
    with pytest.raises(WeightsError, match="nothing that this model could begin with"):
        begin(fresh, write(tmp_path / "other.safetensors", {"nose": torch.zeros(1)}))
    with pytest.raises(WeightsError, match="no such weights"):
        begin(fresh, str(tmp_path / "none.safetensors"))
