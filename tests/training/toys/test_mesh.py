"""The meshes of cartoons lie on what is drawn, and say what is done."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.faces.canonical import VERTICES, canonical
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.takes import Toys, ToySpec

TAKES = Toys(ToySpec(size=128, seconds=0.6)).training[:3]


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_the_mesh_says_what_the_face_does(take) -> None:
    points = take.mesh(0, len(take))
    pose = mesh.euler(mesh.face_frame(points).rotation)
    wanted = take.motion[:, [INDEX[name] for name in ("yaw", "pitch", "roll")]]
    np.testing.assert_allclose(pose, wanted, atol=1e-3)
    gap = mesh.aperture(points)
    assert np.corrcoef(gap, take.motion[:, INDEX["aperture"]])[0, 1] > 0.999


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_mesh_and_landmarks_are_at_the_same_places(take) -> None:
    points, marks = take.mesh(2, 9)[..., :2], take.points[2:9]
    lips = [mesh.MOUTH_LEFT, 0, mesh.MOUTH_RIGHT, 17]
    np.testing.assert_allclose(points[:, lips], marks[:, [48, 51, 54, 57]], atol=1e-3)
    eyes = [mesh.LEFT_CORNER, mesh.RIGHT_CORNER]
    np.testing.assert_allclose(points[:, eyes], marks[:, [36, 45]], atol=1e-3)


def test_no_triangle_of_an_upright_face_is_turned_over() -> None:
    points = TAKES[0].mesh(0, 1)[0, :VERTICES, :2]
    a, b, c = np.moveaxis(points[canonical().triangles], 1, 0)
    first, second = b - a, c - a
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    assert min((area > 0).mean(), (area < 0).mean()) < 0.08


def test_without_frames_there_are_no_points() -> None:
    from lipkit.training.toys.mesh import mesh_of

    assert mesh_of(0, np.zeros((0, len(INDEX))), 64).shape == (0, 478, 3)
