import pytest
import torch
from torch import nn

from lipkit.errors import WeightsError
from lipkit.models.parts import checkpoint
from lipkit.models.parts.weights import content_digest, read_header


def net(width: int = 3) -> nn.Module:
    torch.manual_seed(width)
    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 2))


def saved(path, module):
    return checkpoint.save(module, path, name="toy", config={"width": 3}, origin={"family": "toy"})


def test_round_trip(tmp_path):
    path, one, other = tmp_path / "w.safetensors", net(), net()
    nn.init.zeros_(other[0].weight)
    digest = saved(path, one)
    checkpoint.load(other, path)
    torch.testing.assert_close(other.state_dict(), one.state_dict())
    header = read_header(path)
    assert header["config"] == {"width": 3}
    assert header["digest"] == digest == content_digest(path)


def test_a_hollow_module_takes_the_files_tensors(tmp_path):
    path, one = tmp_path / "w.safetensors", nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).half()
    saved(path, one)
    with checkpoint.hollow():
        other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    checkpoint.load(other, path)
    assert other[0].weight.dtype == torch.float32
    assert other[0].weight.requires_grad
    assert other[1].num_batches_tracked.dtype == torch.int64
    torch.testing.assert_close(other.state_dict(), one.float().state_dict())


def test_half_precision_is_loaded_as_single(tmp_path):
    path, one, other = tmp_path / "w.safetensors", net(), net()
    saved(path, one.half())
    one.float()
    checkpoint.load(other, path)
    assert other[0].weight.dtype == torch.float32
    torch.testing.assert_close(other[0].weight, one[0].weight, atol=1e-3, rtol=1e-3)


def test_other_shapes_and_names_are_refused_by_name(tmp_path):
    path = tmp_path / "w.safetensors"
    saved(path, net(4))
    with pytest.raises(
        WeightsError, match=r"of another shape: 0.weight \(4, 2\), expected \(3, 2\)"
    ):
        checkpoint.load(net(3), path)
    saved(path, nn.Linear(2, 2))
    with pytest.raises(WeightsError, match=r"missing: 0.weight.*unknown: bias, weight"):
        checkpoint.load(net(3), path)


def test_at_most_five_names(tmp_path):
    path = tmp_path / "w.safetensors"
    saved(path, nn.Linear(1, 1))
    many = nn.Sequential(*[nn.Linear(1, 1) for _ in range(9)])
    with pytest.raises(WeightsError) as caught:
        checkpoint.load(many, path)
    assert str(caught.value).count(".weight") + str(caught.value).count(".bias") == 5


def test_damage_is_told(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"no weights at all")
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        checkpoint.load(net(), path)
