from __future__ import annotations

import numpy as np

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.codecs.mesh.tracks import motion_of


def channel(motion: np.ndarray, name: str) -> np.ndarray:
    return motion[:, MESH_LAYOUT.index(name)]


def test_a_turned_shifted_and_grown_face_is_read_back(portrait) -> None:
    points = portrait.shape.points
    frame = mesh.face_frame(points)
    own = mesh.euler(frame.rotation)
    local = mesh.to_local(points)
    wanted = mesh.rotation(own + np.array([7.0, -3.0, 4.0]))
    there = mesh.FaceFrame(
        wanted, frame.origin + frame.unit * np.array([0.1, 0.2, 0]), 1.1 * frame.unit
    )
    motion = motion_of(np.stack([points, mesh.from_local(local, there)]))
    for name, value in {"yaw": 7, "pitch": -3, "roll": 4, "x": 0.1, "y": 0.2, "scale": 0.1}.items():
        np.testing.assert_allclose(channel(motion, name), [0, value], atol=1e-3)
    np.testing.assert_allclose(channel(motion, "width"), 0, atol=1e-4)
    np.testing.assert_allclose(channel(motion, "aperture"), mesh.aperture(points), atol=1e-4)


def test_an_opening_mouth_and_a_dropping_chin_are_read_back(portrait) -> None:
    shape = portrait.shape
    rest = dict(zip(MESH_LAYOUT.channels, map(float, portrait.rest), strict=True))
    rows = [rest, rest | {"aperture": 0.2, "jaw": 0.088}, rest | {"aperture": 0.0, "jaw": 0.0}]
    points = np.stack(
        [shape.points + np.tensordot(shape.coefficients(row), shape.basis, 1) for row in rows]
    )
    motion = motion_of(points)
    np.testing.assert_allclose(channel(motion, "aperture")[1:], [0.2, 0.0], atol=0.015)
    np.testing.assert_allclose(channel(motion, "jaw")[1:], [0.088, 0.0], atol=0.02)


def test_thin_lips_are_pressed_ones_only_while_closed(portrait) -> None:
    shape = portrait.shape
    rest = dict(zip(MESH_LAYOUT.channels, map(float, portrait.rest), strict=True))
    rows = [rest | {"aperture": 0.0, "press": press} for press in (0.0, 1.0)]
    points = np.stack(
        [shape.points + np.tensordot(shape.coefficients(row), shape.basis, 1) for row in rows]
    )
    press = channel(motion_of(points), "press")
    assert press[0] == 0
    assert press[1] > 0.6


def test_eyes_that_close_and_turn_are_read_back(portrait) -> None:
    points = np.repeat(portrait.shape.points[None], 6, 0)
    eye = mesh.LEFT_EYE
    points[4, list(eye.upper)] = points[4, list(eye.lower)]
    along = portrait.shape.unit * portrait.shape.frame.rotation[:, 0]
    for rows in mesh.EYES:
        points[5, list(rows.iris)] += 0.133 * np.sin(np.radians(10)) * along
    motion = motion_of(points)
    np.testing.assert_allclose(channel(motion, "blink_left"), [0, 0, 0, 0, 1, 0], atol=1e-3)
    np.testing.assert_allclose(channel(motion, "blink_right"), 0, atol=1e-3)
    np.testing.assert_allclose(channel(motion, "gaze_x")[5], 10, atol=0.01)
