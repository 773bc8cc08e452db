"""I3D by its two public files."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.i3d import Graph, I3d, adopt, same
from tests.golden.generated import generated, numbers

# what VideoGPT's code makes of these weights and this video: every 50th logit
LOGITS = [
    -3.4122972, 0.68243998, -0.86211509, 0.32403374, 0.81136125, -0.08127228, -5.170434, 7.4934187
]  # fmt: skip


def test_logits_are_those_of_the_official_code() -> None:
    with torch.device("meta"):
        empty = I3d().state_dict()
    state = {name: generated({"SEED": 3}, name, like) for name, like in empty.items()}
    net = I3d().eval()
    net.load_state_dict(adopt(Checkpoint(state, {}, Path("w.pt")))[0])
    video = torch.from_numpy(numbers(3, "video", 3 * 10 * 224 * 224).astype(np.float32))
    with torch.inference_mode():
        found = net(video.reshape(1, 3, 10, 224, 224))
    assert found.shape == (1, 400)
    np.testing.assert_allclose(found[0, ::50], LOGITS, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [7, 8, 9, 10])
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 2), (3, 1), (2, 2)])
def test_sizes_halve_upwards(size: int, kernel: int, stride: int) -> None:
    padded = same(torch.ones(1, 1, size, size, size), (kernel,) * 3, (stride,) * 3)
    found = torch.nn.functional.max_pool3d(padded, kernel, stride)
    assert found.shape[2:] == (-(-size // stride),) * 3


class Stub(torch.nn.Module):
    """Takes what the public graph takes."""

    def forward(
        self,
        x: torch.Tensor,
        rescale: bool = True,
        resize: bool = True,
        return_features: bool = False,
    ) -> torch.Tensor:
        assert not rescale
        assert not resize
        assert return_features
        return x.flatten(1)[:, :400] * 2


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "i3d.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Stub()).save(path)
    return path


def test_the_graph_neither_scales_nor_resizes(graph: Path) -> None:
    video = torch.rand(1, 3, 9, 8, 8)
    assert torch.equal(Graph(graph, "cpu")(video), video.flatten(1)[:, :400] * 2)


def test_a_damaged_graph_is_told_in_a_line(tmp_path: Path, graph: Path) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(graph.read_bytes()[:300])
    with pytest.raises(WeightsError, match=r"broken\.pt: not a TorchScript file") as caught:
        Graph(broken, "cpu")
    assert "\n" not in str(caught.value)
