"""One vocabulary over all numberings."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces import landmarks
from lipkit.faces.landmarks import PARTS, SCHEMES

DETAILED = [name for name in SCHEMES if name != "five"]


@pytest.mark.parametrize("name", SCHEMES)
def test_groups_point_into_their_scheme(name: str) -> None:
    scheme = SCHEMES[name]
    for part, rows in scheme.groups.items():
        assert part in PARTS
        assert len(set(rows)) == len(rows)
        assert all(0 <= row < scheme.count for row in rows)


@pytest.mark.parametrize("name", DETAILED)
def test_detailed_schemes_know_every_part(name: str) -> None:
    assert set(SCHEMES[name].groups) == set(PARTS)


@pytest.mark.parametrize("name", DETAILED)
def test_corners_belong_to_their_groups(name: str) -> None:
    groups = SCHEMES[name].groups
    assert groups["mouth_left"][0] in groups["outer_lips"]
    assert groups["mouth_right"][0] in groups["outer_lips"]
    assert groups["chin"][0] in groups["jaw"]
    assert groups["left_eye_outer"][0] in groups["left_eye"]
    assert groups["right_eye_outer"][0] in groups["right_eye"]


def test_left_is_the_pictures_left(astronaut_face: np.ndarray) -> None:
    parts = landmarks.semantic(astronaut_face, "mediapipe478")
    centre = {name: rows[:, :2].mean(0) for name, rows in parts.items()}
    for part in ("eye", "brow", "eye_outer", "eye_inner"):
        assert centre[f"left_{part}"][0] < centre[f"right_{part}"][0]
    assert centre["mouth_left"][0] < centre["nose_tip"][0] < centre["mouth_right"][0]
    heights = [centre[n][1] for n in ("left_brow", "left_eye", "nose_tip", "inner_lips", "chin")]
    assert heights == sorted(heights)
    jaw = parts["jaw"]
    assert jaw[0, 0] < centre["chin"][0] < jaw[-1, 0]


def test_contours_go_round_once(astronaut_face: np.ndarray) -> None:
    for name in ("left_eye", "right_eye", "outer_lips", "inner_lips"):
        ring = landmarks.semantic(astronaut_face, "mediapipe478")[name][:, :2]
        x, y = ring.T
        area = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
        assert area > 0, f"{name} should run clockwise on the picture, over the top first"


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_has_anchors(name: str) -> None:
    points = np.random.default_rng(0).normal(size=(4, SCHEMES[name].count, 2))
    assert landmarks.anchors(points, name).shape == (4, 5, 2)


def test_the_number_of_points_tells_the_scheme() -> None:
    assert {landmarks.scheme_of(scheme.count) for scheme in SCHEMES.values()} == set(SCHEMES)
    assert landmarks.scheme_of(468) == "mediapipe478"
    with pytest.raises(BadInput, match="70 landmarks"):
        landmarks.scheme_of(70)


def test_five_points_have_no_brows() -> None:
    with pytest.raises(BadInput, match="no brows"):
        landmarks.triple(np.zeros((1, 5, 2)), "five")
