"""The face-local frame, and what is measured in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.faces import mesh

ANGLES = st.tuples(*[st.floats(-60, 60)] * 3)


def face(seed: int = 0, frames: int = 3) -> np.ndarray:
    """Made-up points (f, 478, 3) with a plausible frame: eyes apart, chin below the forehead."""
    points = np.random.default_rng(seed).normal(0, 20, (frames, mesh.POINTS, 3))
    points[:, mesh.LEFT_CORNER] = (-50, 0, 5)
    points[:, mesh.RIGHT_CORNER] = (50, 4, -5)
    points[:, mesh.FOREHEAD] = (3, -60, 8)
    points[:, mesh.CHIN] = (-2, 110, 12)
    return points


@given(ANGLES)
@settings(max_examples=50, deadline=None)
def test_angles_survive_the_matrix(angles: tuple[float, float, float]) -> None:
    matrix = mesh.rotation(np.array(angles))
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    assert mesh.euler(matrix) == pytest.approx(np.array(angles), abs=1e-6)


def test_signs_of_the_angles() -> None:
    outward = -mesh.rotation(np.eye(3) * 20)[..., 2]  # where the nose points, one angle at a time
    yaw, pitch, _ = outward
    assert yaw[0] < 0  # to image-left
    assert pitch[1] > 0  # down
    roll = mesh.rotation(np.array([0.0, 0, 20]))[:, 0]
    assert roll[1] > 0  # the image-right eye sinks: clockwise


def test_local_coordinates_go_there_and_back() -> None:
    points = face()
    frame = mesh.face_frame(points)
    local = mesh.to_local(points)
    np.testing.assert_allclose(mesh.from_local(local, frame), points, atol=1e-9)
    np.testing.assert_allclose(local[:, mesh.LEFT_CORNER], [[-0.5, 0, 0]] * 3, atol=1e-12)
    np.testing.assert_allclose(local[:, mesh.RIGHT_CORNER], [[0.5, 0, 0]] * 3, atol=1e-12)


@given(ANGLES, st.floats(0.2, 5), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_tracks_do_not_see_pose_place_or_zoom(
    angles: tuple[float, float, float], zoom: float, seed: int
) -> None:
    points = face(seed)
    moved = zoom * points @ mesh.rotation(np.array(angles)).T + (300.0, -20.0, 7.0)
    for measure in (mesh.aperture, mesh.width, mesh.jaw_drop, mesh.eye_opening, mesh.gaze):
        np.testing.assert_allclose(measure(moved), measure(points), atol=1e-9)


def test_an_opened_mouth_is_measured_in_eye_distances() -> None:
    points = face()
    before = mesh.aperture(points)
    rotation, _, unit = mesh.face_frame(points)
    down = 0.1 * unit[:, None] * rotation[..., 1]
    points[:, list(mesh.LOWER_LIP_ROWS[0])] += down[:, None]
    points[:, mesh.MOUTH_LEFT] -= 0.05 * unit[:, None] * rotation[..., 0]
    assert mesh.aperture(points) == pytest.approx(before + 0.1)


def test_rows_share_corners_and_do_not_repeat() -> None:
    for upper, lower in zip(mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS, strict=True):
        assert len(upper) == len(lower) == 11
        assert (upper[0], upper[-1]) == (lower[0], lower[-1])
    for eye in mesh.EYES:
        assert (eye.upper[0], eye.upper[-1]) == (eye.lower[0], eye.lower[-1])
        assert len(eye.upper) == len(eye.lower) == len(eye.upper_lash) == len(eye.upper_crease)
    assert not set(mesh.UPPER_LIP) & set(mesh.LOWER_LIP)
    assert len(set(mesh.OVAL)) == len(mesh.OVAL) == 36
    assert mesh.JAW[len(mesh.JAW) // 2] == mesh.CHIN
