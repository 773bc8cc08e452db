"""hyperIQA: what must hold beside the golden file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.hyperiqa import HyperIqa, adopt, normalised


def test_each_patch_is_judged_by_itself() -> None:
    torch.manual_seed(0)
    net = HyperIqa().eval().requires_grad_(False)
    patches = normalised(torch.randint(0, 256, (2, 3, 224, 224)))
    both, last = net(patches), net(patches[1:])
    assert both.shape == (2,)
    torch.testing.assert_close(both[1:], last, rtol=1e-4, atol=1e-5)


def test_patches_are_normalised_as_for_imagenet() -> None:
    grey = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
    expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    torch.testing.assert_close(normalised(grey)[0, :, 0, 0], torch.tensor(expected))


def test_only_the_whole_network_fits() -> None:
    with torch.device("meta"):
        state = HyperIqa().state_dict()
    assert adopt(Checkpoint(dict(state), {}, Path("k.pkl")))[0].keys() == state.keys()
    state.pop("fc5b_fc.bias")
    with pytest.raises(WeightsError, match=r"missing: fc5b_fc\.bias"):
        adopt(Checkpoint(dict(state), {}, Path("k.pkl")))
