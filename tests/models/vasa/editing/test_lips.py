"""Landmarks of a mouth that opens and closes."""

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.editing.lips import Articulation, Lips, moved


def lips_at(face, pitch):
    """The face looking up or down by ``pitch`` degrees, and how it articulates."""
    local = mesh.to_local(face.astype(float))
    pose = mesh.FaceFrame(
        mesh.rotation([0.0, pitch, 0.0]), np.array([256.0, 200, 0]), np.array(90.0)
    )
    return Lips(mesh.from_local(local, pose), pose), Articulation.of(local)


def gaps(points, lips):
    """Vertical distance of the inner lips ``(11,)`` in the picture, IOD."""
    low, high = (points[list(rows[0]), 1] for rows in (mesh.LOWER_LIP_ROWS, mesh.UPPER_LIP_ROWS))
    return (low - high) / lips.unit


@pytest.mark.parametrize("pitch", [-20.0, 0.0, 20.0])
def test_closed_lips_leave_no_gap_from_any_side(face, pitch):
    lips, articulation = lips_at(face, pitch)
    _, opened = moved(lips, articulation, 0.25, 0.0, 0.0)
    wide = Lips(np.concatenate([opened, lips.points[:, 2:]], 1), lips.pose)
    _, closed = moved(wide, articulation, 0.0, 0.0, 0.0)
    assert gaps(closed, lips) == pytest.approx(np.zeros(11), abs=0.005)


@pytest.mark.parametrize("aperture", [0.05, 0.15, 0.3])
def test_lips_open_as_far_as_asked(face, aperture):
    lips, articulation = lips_at(face, 0.0)
    _, target = moved(lips, articulation, aperture, 0.0, 0.0)
    assert gaps(target, lips)[mesh.LIP_CENTRE].mean() == pytest.approx(aperture, abs=0.01)


def test_lower_lip_does_most_of_an_opening(face):
    lips, articulation = lips_at(face, 0.0)
    _, target = moved(lips, articulation, lips.aperture + 0.2, 0.0, 0.0)
    shift = (target - lips.points[:, :2])[:, 1] / lips.unit
    assert shift[14] > 4 * abs(shift[13])
    assert 0.03 < shift[mesh.CHIN] < 0.6 * shift[14]


def test_corners_move_apart_by_the_width_asked_for(face):
    lips, articulation = lips_at(face, 0.0)
    _, target = moved(lips, articulation, lips.aperture, 0.05, 0.0)
    ends = [mesh.MOUTH_LEFT, mesh.MOUTH_RIGHT]
    wide, own = (np.ptp(points[ends, 0]) / lips.unit for points in (target, lips.points))
    assert wide - own == pytest.approx(0.05, abs=0.01)


def test_nothing_asked_moves_nothing(face):
    lips, articulation = lips_at(face, 10.0)
    source, target = moved(lips, articulation, lips.aperture, 0.0, 0.0)
    assert target == pytest.approx(lips.points[:, :2], abs=1e-6)
    assert source == pytest.approx(lips.points[:, :2], abs=1e-6)
