"""Meshes drawn into pictures."""

from __future__ import annotations

import numpy as np

from lipkit.faces import raster
from lipkit.faces.canonical import canonical

TRIANGLES = np.array([[0, 1, 2], [3, 4, 5]])
NEAR = [[2, 2, 1], [14, 2, 1], [2, 14, 1]]
FAR = [[0, 0, 5], [15, 0, 5], [0, 15, 5]]
POINTS = np.array([*NEAR, *FAR], np.float64)


def test_nearer_triangles_lie_over_farther_ones() -> None:
    drawn = raster.draw(POINTS, TRIANGLES, (16, 16), np.array([True, True]))
    assert drawn.triangle[5, 5] == 0
    assert drawn.triangle[0, 0] == 1
    assert drawn.triangle[15, 15] == -1
    alone = raster.draw(POINTS, TRIANGLES, (16, 16), np.array([False, True]))
    assert alone.triangle[5, 5] == 1


def test_what_vertices_carry_lies_between_them() -> None:
    drawn = raster.draw(POINTS, TRIANGLES, (16, 16), np.array([True, False]))
    carried = drawn.carry(POINTS[:, :2].astype(np.float32), TRIANGLES)
    rows, columns = np.nonzero(drawn.inside)
    places = np.stack([columns, rows], 1)
    np.testing.assert_allclose(carried[drawn.inside], places, atol=0.75)  # rims reach outwards
    assert np.abs(carried[5, 6] - [6, 5]).max() < 1e-4
    assert not carried[~drawn.inside].any()


def test_triangles_face_the_camera_or_not() -> None:
    assert raster.facing(POINTS, TRIANGLES).tolist() == [False, False]
    assert raster.facing(POINTS, TRIANGLES[:, ::-1]).tolist() == [True, True]
    face = canonical()
    seen = face.vertices * [1, -1, -1]  # upright, looking into the camera
    assert raster.facing(seen, face.triangles).mean() > 0.95


def test_points_far_outside_do_no_harm() -> None:
    points = POINTS * [1e9, 1e9, 1]
    drawn = raster.draw(points, TRIANGLES, (8, 8), np.array([True, True]))
    assert np.isfinite(drawn.share).all()
