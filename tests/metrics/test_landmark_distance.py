"""Landmark distances: what leaves them at nought, what moves them, and what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.faces.warping import transform
from lipkit.metrics import landmark_distance as distances
from lipkit.metrics.ibug import MESH, MOUTH, ibug68, upright


@pytest.fixture
def face(scene) -> np.ndarray:
    """The 68 points (30, 68, 2) of a face that trembles."""
    points = ibug68(scene.track.points[0], "mediapipe478").astype(np.float64)
    return points + np.random.default_rng(0).standard_normal((30, 68, 2))


def test_the_68_points_lie_where_they_should(scene):
    points = ibug68(scene.track.points[0], "mediapipe478")
    assert len(set(MESH)) == 68
    jaw, brow, eyes, nose, mouth = (
        points[a:b] for a, b in ((0, 17), (17, 27), (36, 48), (27, 36), (48, 68))
    )
    assert (np.diff(jaw[:, 0]) > 0).all()  # ear to ear
    assert jaw[:, 1].argmax() == 8  # the chin is lowest
    assert brow[:, 1].max() < eyes[:, 1].min() < nose[:, 1].max() < mouth[:, 1].min()
    assert (np.diff(points[27:31, 1]) > 0).all()  # down the bridge
    for first, last in ((48, 54), (60, 64)):  # over the top, then back below
        top, bottom = points[first + 1 : last, 1], points[last + 1 : last + last - first, 1]
        assert top.max() <= bottom.max()
        assert (np.diff(points[first : last + 1, 0]) > 0).all()


def test_identical_tracks_score_nought(face):
    values = distances.scores(face, face) | distances.centred_scores(face, face)
    assert values.pop("aperture_corr") == pytest.approx(1)
    assert max(abs(value) for value in values.values()) < 1e-9


@settings(max_examples=25, deadline=None)
@given(
    angle=st.floats(-1.5, 1.5),
    zoom=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-200, 200), st.floats(-200, 200)),
)
def test_alignment_removes_turn_zoom_and_shift(angle, zoom, shift):
    truth = np.random.default_rng(1).uniform(0, 200, (4, 68, 2))
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    made = transform(truth, np.array([[c, -s, shift[0]], [s, c, shift[1]]]))
    found = distances.scores(made, truth)
    assert found["lmd_aligned"] < 1e-6
    assert found["aperture_mae"] < 1e-9
    assert np.allclose(upright(made), upright(truth), atol=1e-6)


def test_centred_scores_ignore_a_shift(face):
    moved = distances.centred_scores(face + np.array([7, -4]), face)
    assert max(moved.values()) < 1e-9
    assert distances.scores(face + np.array([3, 4]), face)["lmd"] == pytest.approx(5)


def test_larger_errors_of_the_mouth_score_worse(face):
    scores = []
    for size in (1.0, 2.0, 4.0):
        made = face.copy()
        made[:, 57] += (0, size)
        scores.append(distances.scores(made, face))
    for name in ("lmd", "lmd_l1", "lmd_aligned", "nme", "nme_mouth", "lve", "lve_iod"):
        first, second, third = (score[name] for score in scores)
        assert 0 < first < second < third, name
    assert scores[2]["lve"] == pytest.approx(16)


def test_frames_without_a_face_count_on_neither_side(face):
    made, truth = face + 1.0, face.copy()
    made[3], truth[7] = np.nan, np.nan
    kept = np.delete(np.arange(30), [3, 7])
    assert distances.scores(made, truth) == distances.scores(made[kept], truth[kept])
    assert len(distances.seen(made, truth)[0]) == 28


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_are_none_or_numbers_but_never_nan(face, count):
    values = distances.scores(face[:count], face[:count])
    values |= distances.centred_scores(face[:count], face[:count])
    assert values.pop("aperture_corr") is None
    assert all((value is None) == (count == 0) for value in values.values())
    nobody = np.full_like(face, np.nan)
    assert set(distances.scores(nobody, face).values()) == {None}


def test_lengths_are_cut_or_picked(face):
    longer = np.repeat(face, 2, axis=0)
    made, truth = distances.truncated(longer, face)
    assert len(made) == len(truth) == 30
    assert np.array_equal(made, longer[:30])
    made, truth = distances.squeezed(longer, face)
    assert np.array_equal(made, face)


def test_a_mouth_that_does_not_move_has_no_correlation(face):
    still = np.repeat(face[:1], 30, axis=0)
    assert distances.scores(still, face)["aperture_corr"] is None
    assert distances.velocity(still[:, MOUTH], still[:, MOUTH]) == 0
