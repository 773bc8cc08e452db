"""Inception as FID has it: the public file's names, the official code's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.metrics.fid import resized, resized_cleanly
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.inception import Inception, adopt, resize_like_tensorflow
from tests.golden.generated import generated, numbers

SEED = {"SEED": 3}
# what torch-fidelity 0.4.0 makes of these weights and frames: every 256th feature of each
FEATURES = [
    [0.00269885, 3.7365122, 5.1567512, 0.00965045, 6.3702469, 0.00559874, 0.003081, 10.2071762],
    [0.00389786, 3.7844665, 5.2378020, 0.01407001, 6.6223674, 0.01296596, 0.0030978, 10.4399424],
]


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        empty = Inception().state_dict()
    return {k: generated(SEED, k, v) for k, v in empty.items() if "num_batches" not in k}


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    values = numbers(3, "frames", 2 * 60 * 80 * 3).reshape(2, 60, 80, 3)
    return (127.5 + 127.5 * values).round().astype(np.uint8)


def test_features_are_those_of_the_official_code(
    state: dict[str, torch.Tensor], frames: np.ndarray
) -> None:
    net = Inception().eval()
    tensors, config = adopt(Checkpoint(state, {}, Path("w.pth")))
    net.load_state_dict(tensors)
    with torch.inference_mode():
        found = net(resized(frames))
    assert config == {}
    assert found.shape == (2, 2048)
    np.testing.assert_allclose(found[:, ::256], FEATURES, rtol=1e-4, atol=1e-6)


def test_files_of_other_networks_are_refused(state: dict[str, torch.Tensor]) -> None:
    lacking = {k: v for k, v in state.items() if k != "Mixed_7c.branch_pool.conv.weight"}
    for tensors in (lacking, state | {"AuxLogits.fc.bias": torch.zeros(1000)}):
        with pytest.raises(WeightsError, match=r"Mixed_7c\.branch_pool|AuxLogits"):
            adopt(Checkpoint(tensors, {}, Path("w.pth")))


def naive(picture: np.ndarray, side: int) -> np.ndarray:
    """Bilinear at ``index * size / side``, one pixel at a time."""
    out = np.zeros((side, side))
    for y in range(side):
        for x in range(side):
            v, u = y * picture.shape[0] / side, x * picture.shape[1] / side
            i, k = int(v), int(u)
            rows = picture[[i, min(i + 1, len(picture) - 1)]]
            low, high = rows[:, k], rows[:, min(k + 1, picture.shape[1] - 1)]
            top, bottom = low + (high - low) * (u - k)
            out[y, x] = top + (bottom - top) * (v - i)
    return out


@pytest.mark.parametrize("shape", [(5, 9), (30, 17), (13, 13)])
def test_resizing_takes_the_corner_of_pixels_as_their_place(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.float64)
    found = resize_like_tensorflow(torch.from_numpy(picture)[None, None], 13)[0, 0]
    np.testing.assert_allclose(found, naive(picture, 13), atol=1e-2)


def test_the_two_ways_to_resize_differ_where_detail_is_fine() -> None:
    flat = np.full((1, 600, 500, 3), 77, np.uint8)
    assert torch.equal(resized(flat), resized_cleanly(flat))
    stripes = flat.copy()
    stripes[:, :, ::2] = 177
    rough, clean = resized(stripes), resized_cleanly(stripes)
    assert rough.shape == clean.shape == (1, 3, 299, 299)
    assert rough.std() > 4 * clean.std()
    assert 0 <= clean.min() <= clean.max() <= 255
