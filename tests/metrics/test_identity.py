"""Likeness of faces: cosines, crops, and the scores of clips by a network that averages tiles."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lipkit.faces.warping import invert, transform
from lipkit.metrics import identity
from lipkit.metrics.likeness import (
    FramewiseLikeness,
    FramewiseLikenessViCo,
    ReferenceLikeness,
    ReferenceLikenessArc,
    stacked,
)
from lipkit.models.parts import weights
from lipkit.protocols import Passage

WRITER = Path(__file__).parents[1] / "models" / "parts" / "onnx.py"


@pytest.fixture
def networks(tmp_path, monkeypatch) -> None:
    """A store that holds a network for each recipe."""
    spec = importlib.util.spec_from_file_location("onnx_writer", WRITER)
    onnx = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(onnx)
    monkeypatch.setenv("LIPKIT_WEIGHTS", str(tmp_path))
    source = onnx.write_tiles(tmp_path / "source.onnx")
    for name in ("sface", "arcface-r50", "arcface-r100"):
        weights.keep(source, weights.find(name).path, name=name, origin={})


def test_cosines_leave_missing_faces_out():
    rows = np.array([[1.0, 0], [0, 2], [0, 0], [np.nan, 1], [3, 3]])
    found = identity.cosines(rows, np.array([2.0, 0]))
    assert np.allclose(found[[0, 1, 4]], [1, 0, np.sqrt(0.5)])
    assert np.isnan(found[[2, 3]]).all()
    assert identity.mean(found) == pytest.approx((1 + np.sqrt(0.5)) / 3)
    assert identity.lowest(found) == 0
    assert identity.mean_angle(found) == pytest.approx((0 + 90 + 45) / 3)
    nobody = np.full(3, np.nan)
    assert identity.mean(nobody) is identity.lowest(nobody) is identity.mean_angle(nobody) is None
    assert identity.of_means(np.zeros((3, 2)), rows) is None
    assert identity.of_means(rows[:2], 5 * rows[:2]) == pytest.approx(1)


def test_the_crop_puts_the_five_points_on_the_template():
    template = np.array(identity.TEMPLATE)
    c, s = 2.5 * np.cos(0.4), 2.5 * np.sin(0.4)
    away = np.array([[c, -s, 90.0], [s, c, 20.0]])
    matrix = identity.alignment(transform(template, away))
    assert np.allclose(matrix, invert(away))


def test_landmarks_of_the_mesh_are_cut_upright(scene):
    points = scene.track.points[0]
    placed = transform(points[:, :2], identity.alignment(points, "mediapipe478"))
    eyes, mouth = placed[[33, 133, 362, 263]].mean(0), placed[[61, 291]].mean(0)
    assert np.allclose(eyes, (55.9, 51.6), atol=3)
    assert np.allclose(mouth, (56.1, 92.3), atol=7)  # she smiles


def shown(metric, clip, frames, reference=None):
    watch = metric.watch(clip)
    for first in range(0, len(frames), 2):
        part = slice(first, first + 2)
        other = None if reference is None else reference[part]
        watch.see(Passage(np.arange(len(frames))[part], frames[part], other))
    return watch.scores()


def person(scene, **rest) -> SimpleNamespace:
    known = {"track25": scene.track, "picture": scene.frames[0], "reference": None}
    return SimpleNamespace(**known | rest)


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("metric", [ReferenceLikeness(), ReferenceLikenessArc()])
def test_a_still_picture_of_the_reference_scores_one(scene, metric):
    found = shown(metric, person(scene), scene.frames)
    assert set(found) == {measure.name for measure in metric.measures}
    for value in found.values():
        assert value.value == pytest.approx(1, abs=0.01)
        assert value.frames == len(scene.frames)


@pytest.mark.usefixtures("networks")
def test_a_frame_unlike_the_rest_is_the_worst(scene):
    frames = scene.frames.copy()
    frames[2] = 255 - frames[2]
    found = shown(ReferenceLikeness(), person(scene), frames)
    mean, least = (found[name].value for name in ("csim_reference", "csim_reference_min"))
    assert least < 0.9 < mean < 0.999
    drawn = found["csim_reference"].curves["identity"]
    assert int(np.argmin(drawn)) == 2


@pytest.mark.usefixtures("networks")
@pytest.mark.parametrize("metric", [FramewiseLikeness(), FramewiseLikenessViCo()])
def test_equal_clips_score_one_frame_by_frame(scene, metric):
    clip = person(scene, reference=person(scene))
    found = shown(metric, clip, scene.frames, scene.frames)
    assert set(found) == {measure.name for measure in metric.measures}
    assert all(value.value == pytest.approx(1) for value in found.values())


@pytest.mark.usefixtures("networks")
def test_missing_faces_and_missing_references_have_reasons(scene):
    valid = np.array([True, False, True, False, False])
    seen = scene.tracked(type(scene.track)(**{**vars(scene.track), "valid": valid}))
    found = shown(ReferenceLikeness(), person(seen), scene.frames)
    assert found["csim_reference"].frames == 2
    drawn = found["csim_reference"].curves["identity"]
    assert [value is not None for value in drawn] == valid.tolist()
    wall = np.full((64, 64, 3), 90, np.uint8)
    found = shown(ReferenceLikeness(), person(scene, picture=wall), scene.frames)
    assert {value.reason for value in found.values()} == {"the reference shows no face"}
    found = shown(FramewiseLikeness(), person(scene, reference=person(scene)), scene.frames[:0])
    assert all(value.value is None and value.reason for value in found.values())


def test_rows_without_a_face_are_noughts():
    assert stacked([None, np.ones(3), None]).tolist() == [[0] * 3, [1] * 3, [0] * 3]
    assert stacked([]).shape == (0, 1)
