from __future__ import annotations

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.codecs.mesh.pose import Gains, head_pose, soft_limit, turned_limit

PLAIN = Gains(aperture=1.0, yaw=1.0, pitch=1.0)


def pose_of(portrait, gains: Gains = PLAIN, **channels: float):
    motion = dict.fromkeys(MESH_LAYOUT.channels, 0.0) | channels
    return head_pose(portrait.shape.frame, portrait.pivot, motion, gains)


def test_no_motion_is_exactly_none(portrait) -> None:
    pose = pose_of(portrait)
    assert pose.still
    points = portrait.shape.points
    np.testing.assert_array_equal(pose.move(points), points[:, :2])


def test_angles_add_to_those_of_the_photo(portrait) -> None:
    pose = pose_of(portrait, yaw=8.0, pitch=-5.0, roll=6.0)
    frame = portrait.shape.frame
    ends = frame.origin + frame.unit * np.concatenate([np.zeros((1, 3)), frame.rotation.T])
    moved = pose.move(ends)
    axes = (moved[1:] - moved[0]).T / frame.unit
    wanted = mesh.rotation(mesh.euler(frame.rotation) + np.array([8.0, -5.0, 6.0]))
    np.testing.assert_allclose(axes, wanted[:2], atol=1e-4)


def test_the_pivot_stays_but_for_the_shift(portrait) -> None:
    pose = pose_of(portrait, yaw=8.0, roll=-6.0, scale=0.05, x=0.1, y=-0.2)
    step = pose.move(portrait.pivot) - portrait.pivot[:2]
    np.testing.assert_allclose(step, portrait.shape.unit * np.array([0.1, -0.2]), rtol=1e-4)


def test_gains_turn_a_head_further(portrait) -> None:
    strong = Gains(aperture=1.0, yaw=2.0, pitch=1.0)
    np.testing.assert_allclose(
        pose_of(portrait, strong, yaw=4.0).turn, pose_of(portrait, yaw=8.0).turn, atol=1e-6
    )


@pytest.mark.parametrize(
    ("yaw", "share"), [(0, 1.0), (-25, 1.0), (30, 0.75), (-35, 0.5), (60, 0.5)]
)
def test_turned_faces_take_less_yaw(yaw: float, share: float) -> None:
    assert turned_limit(yaw) == pytest.approx(share)


def test_soft_limits_are_odd_monotonic_and_free_at_first() -> None:
    values = np.linspace(-50, 50, 201)
    limited = np.array([soft_limit(float(v), 14, 8) for v in values])
    np.testing.assert_allclose(limited, -limited[::-1])
    assert (np.diff(limited) >= 0).all()
    small = np.abs(values) <= 14
    np.testing.assert_allclose(limited[small], values[small])
    assert limited.max() <= 22
