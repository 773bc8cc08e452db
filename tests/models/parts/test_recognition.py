"""Recognition networks get the colours and the range that they were trained on."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import WeightsError
from lipkit.models.parts.recognition import ArcFace, SFace

spec = importlib.util.spec_from_file_location("onnx_writer", Path(__file__).with_name("onnx.py"))
onnx = importlib.util.module_from_spec(spec)
spec.loader.exec_module(onnx)


@pytest.fixture
def crop() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)


@pytest.fixture
def tiles(crop: np.ndarray) -> np.ndarray:
    """Means of the tiles, channel by channel, red first."""
    return crop.reshape(7, 16, 7, 16, 3).mean((1, 3)).transpose(2, 0, 1).ravel()


def test_sface_sees_red_first_and_levels_as_they_are(crop, tiles, tmp_path, capfd):
    network = SFace(onnx.write_tiles(tmp_path / "net.onnx"))
    assert np.allclose(network.embed(crop), tiles, atol=1e-3)
    assert capfd.readouterr() == ("", "")


def test_arcface_sees_red_first_between_minus_one_and_one(crop, tiles, tmp_path):
    network = ArcFace(onnx.write_tiles(tmp_path / "net.onnx"))
    assert np.allclose(network.embed(crop), (tiles - 127.5) / 127.5, atol=1e-4)


def test_an_embedding_outlives_the_next_one(crop, tmp_path):
    network = SFace(onnx.write_tiles(tmp_path / "net.onnx"))
    first = network.embed(crop)
    before = first.copy()
    network.embed(255 - crop)
    assert np.array_equal(first, before)


@pytest.mark.parametrize("kind", [SFace, ArcFace])
def test_a_file_that_is_no_network(kind, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"not a graph at all")
    with pytest.raises(WeightsError, match=r"net\.onnx: no ONNX network that OpenCV reads"):
        kind(path)
