"""LPIPS: what must hold beside the golden file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.lpips import Lpips, adopt, banded
from lipkit.models.parts.weights import find


@pytest.fixture(scope="module", params=["alex", "vgg"])
def network(request: pytest.FixtureRequest) -> Lpips:
    torch.manual_seed(0)
    net = Lpips(request.param).eval().requires_grad_(False)
    for head in net.heads:
        head.uniform_(0, 1)
    return net


def test_equal_pictures_are_at_no_distance(network: Lpips) -> None:
    picture = torch.rand(2, 3, 70, 80) * 2 - 1
    assert torch.equal(network(picture, picture), torch.zeros(2))


def test_distances_are_mutual_and_of_each_picture_alone(network: Lpips) -> None:
    first, second = torch.rand(2, 2, 3, 70, 80) * 2 - 1
    there = network(first, second)
    assert (there > 0).all()
    torch.testing.assert_close(there, network(second, first), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(there[1:], network(first[1:], second[1:]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("height", [256, 273, 290])
def test_bands_give_what_the_whole_gives(network: Lpips, height: int) -> None:
    width = 64 if network.strides[0] == 4 else 20
    first, second = torch.rand(2, 1, 3, height, width) * 2 - 1
    second[:, :, 200:230] = -1
    small = (224 + 32) * width  # bands of two strides
    torch.testing.assert_close(
        banded(network, first, second, small), network(first, second), rtol=1e-4, atol=0
    )


def test_small_pictures_need_no_bands(network: Lpips) -> None:
    first, second = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    assert torch.equal(banded(network, first, second), network(first, second))


def test_the_loss_reaches_the_picture(network: Lpips) -> None:
    picture = (torch.rand(1, 3, 64, 64) * 2 - 1).requires_grad_()
    network(picture, torch.zeros(1, 3, 64, 64)).sum().backward()
    assert picture.grad is not None
    assert picture.grad.isfinite().all()  # even where no channel of a layer answers
    assert picture.grad.abs().max() > 0


def test_a_head_is_no_backbone() -> None:
    heads = {f"lin{k}.model.1.weight": torch.rand(1, 8, 1, 1) for k in range(5)}
    for name in ("alexnet", "lpips-alex"):
        with pytest.raises(WeightsError, match="do not fit"):
            adopt(Checkpoint(heads, {}, Path("alex.pth")), find(name))
