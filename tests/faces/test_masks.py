"""Soft masks from landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces import masks
from lipkit.faces.landmarks import SCHEMES, semantic
from lipkit.faces.mesh import OVAL

SIZE = (512, 512)


def schemes(points: np.ndarray) -> dict[str, np.ndarray]:
    """The same face as the mesh and, roughly, as 68 and 5 points."""
    part = {name: rows[:, :2] for name, rows in semantic(points, "mediapipe478").items()}
    dlib = np.zeros((68, 2))
    groups = SCHEMES["dlib68"].groups
    for name in ("jaw", "left_brow", "right_brow", "nose", "left_eye", "right_eye"):
        rows = groups[name]
        pick = np.linspace(0, len(part[name]) - 1, len(rows)).round().astype(int)
        dlib[list(rows)] = part[name][pick]
    for name in ("outer_lips", "inner_lips"):
        rows = groups[name]
        pick = np.arange(len(rows)) * len(part[name]) // len(rows)
        dlib[list(rows)] = part[name][pick]
    names = ("left_eye", "right_eye", "nose_tip", "mouth_left", "mouth_right")
    five = np.stack([part[name].mean(0) for name in names])
    return {"mediapipe478": points, "dlib68": dlib, "five": five}


@pytest.mark.parametrize("scheme", ["mediapipe478", "dlib68", "five"])
def test_the_mouth_is_covered_and_the_eyes_are_not(scheme: str, astronaut_face: np.ndarray) -> None:
    points = schemes(astronaut_face)[scheme]
    mask = masks.mask("mouth", points, scheme, SIZE)
    lips = semantic(astronaut_face, "mediapipe478")["inner_lips"][:, :2].mean(0)
    eye = semantic(astronaut_face, "mediapipe478")["left_eye"][:, :2].mean(0)
    assert mask.shape == (512, 512)
    assert mask[int(lips[1]), int(lips[0])] == 1
    assert mask[int(eye[1]), int(eye[0])] == 0


@pytest.mark.parametrize("scheme", ["mediapipe478", "dlib68"])
def test_regions_lie_within_each_other(scheme: str, astronaut_face: np.ndarray) -> None:
    points = schemes(astronaut_face)[scheme]
    mouth, lower, face, oval = (
        masks.mask(name, points, scheme, SIZE) > 0.5 for name in ("mouth", "lower", "face", "oval")
    )
    assert 0 < mouth.sum() < lower.sum() < face.sum() < oval.sum()
    for small, large in ((mouth, lower), (lower, face), (face, oval)):
        assert (small & ~large).mean() < 1e-3


def test_area_of_a_polygon_is_exact_to_parts_of_a_pixel() -> None:
    square = np.array([[10.0, 10], [30, 10], [30, 30], [10, 30]])
    base = masks.polygon(square, (48, 48)).sum()
    wider = masks.polygon(square + np.array([[0, 0], [0.5, 0], [0.5, 0], [0, 0]]), (48, 48)).sum()
    assert wider - base == pytest.approx(0.5 * 20, rel=0.35)


def test_a_feather_rises_from_zero_at_the_rim_to_one_inside(astronaut_face: np.ndarray) -> None:
    hard = masks.mask("oval", astronaut_face, "mediapipe478", SIZE)
    soft = masks.mask("oval", astronaut_face, "mediapipe478", SIZE, feather=0.3)
    assert (soft <= (hard > 0)).all()
    rim = astronaut_face[list(OVAL), :2].round().astype(int)
    assert soft[rim[:, 1], rim[:, 0]].max() < 0.1
    nose = astronaut_face[1, :2].astype(int)
    assert soft[nose[1], nose[0]] == 1
    assert np.abs(np.diff(soft, axis=1)).max() < 0.2


def test_growing_is_measured_in_eye_distances(astronaut_face: np.ndarray) -> None:
    unit = masks.eye_distance(astronaut_face, "mediapipe478")
    widths = []
    for grow in (0.0, 0.25):
        mask = masks.mask("mouth", astronaut_face, "mediapipe478", SIZE, grow=grow)
        widths.append(np.ptp(np.flatnonzero(mask.max(0) > 0.5)))
    assert widths[1] - widths[0] == pytest.approx(0.5 * unit, abs=2)


def test_what_cannot_be_masked_is_said(astronaut_face: np.ndarray) -> None:
    with pytest.raises(BadInput, match="no jaw"):
        masks.mask("face", np.zeros((5, 2)), "five", SIZE)
    with pytest.raises(BadInput, match="mouth, lower"):
        masks.mask("hat", astronaut_face, "mediapipe478", SIZE)
