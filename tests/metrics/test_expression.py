"""Distances of expressions: the formula, and the network in front of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lipkit.errors import WeightsError
from lipkit.metrics import expression
from lipkit.metrics.expression import BlendshapeExpression, Deep3dExpression, blendshapes, efid
from lipkit.models.parts import deep3d
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.protocols import Passage


@pytest.fixture(scope="module")
def official() -> dict[str, torch.Tensor]:
    """Tensors as the public checkpoint names them."""
    torch.manual_seed(0)
    own = deep3d.Expression().state_dict()
    found = {
        f"backbone.{name}": value
        for name, value in own.items()
        if not name.startswith("expression") and "num_batches" not in name
    }
    for index, width in enumerate((80, 64, 80, 3, 27, 2, 1)):
        found[f"final_layers.{index}.weight"] = torch.full((width, 2048, 1, 1), float(index))
        found[f"final_layers.{index}.bias"] = torch.zeros(width)
    return found


def test_the_public_file_gives_the_expressions_alone(official, tmp_path):
    path = tmp_path / "epoch_20.pth"
    torch.save({"net_recon": official, "opt_00": {"state": {}}}, path)
    tensors, config = deep3d.adopt(read_checkpoint(path))
    network = deep3d.Expression()
    network.load_state_dict(tensors)
    assert config == {}
    assert torch.equal(network.expression.weight, torch.ones(64, 2048, 1, 1))
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 64)


def test_another_file_is_refused(official, tmp_path):
    rest = {name: value for name, value in official.items() if "layer3.2" not in name}
    with pytest.raises(WeightsError, match="missing: layer3"):
        deep3d.adopt(Checkpoint(rest, {}, tmp_path / "other.pth"))


def test_the_standard_face_is_placed_in_the_middle():
    standard = np.array(deep3d.STANDARD)
    for zoom, shift in ((1.0, (0, 0)), (80.0, (300, 200))):
        points = standard[:, :2] * (zoom, -zoom) + shift
        matrix = deep3d.placement(points)
        placed = points @ matrix[:, :2].T + matrix[:, 2]
        assert np.allclose(placed, standard[:, :2] * (102, -102) + 112)


def test_equal_expressions_are_at_no_distance():
    rows = np.random.default_rng(0).standard_normal((300, 64))
    assert efid(rows, rows) == pytest.approx(0, abs=1e-6)
    assert efid(rows + 1, rows) == pytest.approx(64, rel=1e-6)


def test_clips_are_pooled(monkeypatch, scene):
    monkeypatch.setattr(expression, "coefficients", lambda crops: crops.mean((1, 2))[:, :2] / 255)
    metric = Deep3dExpression()
    clip = SimpleNamespace(track25=scene.track)

    def kept(frames):
        watch = metric.watch(clip)
        watch.see(Passage(np.arange(len(frames)), frames))
        return watch.contribution()

    noise = np.random.default_rng(0).integers(0, 40, (len(scene.frames), 1, 1, 3))
    made = kept((scene.frames // 2 + noise).astype(np.uint8))
    real = kept(scene.frames)
    same = metric.compute([made, made], [made])["efid_deep3d"]
    assert same.value == pytest.approx(0, abs=1e-2)
    assert same.settings["frames_made"] == 10
    assert metric.compute([made], [real])["efid_deep3d"].value > 0.02
    assert metric.compute([], [real])["efid_deep3d"].reason


def test_frames_without_a_face_are_not_pooled(monkeypatch, scene):
    monkeypatch.setattr(expression, "coefficients", lambda crops: crops.mean((1, 2)))
    clip = SimpleNamespace(track25=replace(scene.track, valid=np.array([1, 0, 0, 1, 1], bool)))
    watch = Deep3dExpression().watch(clip)
    watch.see(Passage(np.arange(5), scene.frames))
    assert len(watch.contribution()["rows"]) == 3


def test_blendshapes_without_the_model_file_say_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=r"face_landmarker\.task"):
        BlendshapeExpression().watch(SimpleNamespace())


def test_blendshapes_are_those_of_the_first_face(scene):
    seen = []

    def detect(picture):
        seen.append(picture.numpy_view())
        faces = [[SimpleNamespace(score=k / 51) for k in range(52)]]
        return SimpleNamespace(face_blendshapes=faces if len(seen) == 1 else [])

    landmarker = SimpleNamespace(detect=detect)
    assert blendshapes(landmarker, scene.frames[0]) == [k / 51 for k in range(52)]
    assert blendshapes(landmarker, scene.frames[1][:, ::-1]) is None
    assert np.array_equal(seen[0], scene.frames[0])
