"""The pose that teeth keep to."""

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.editing.skull import mean_face, pose_at, skull_poses

ANGLES = np.array([(0.0, 0, 0), (15, -5, 10), (-20, 8, -25)])


def posed(local, angles, unit=90.0, origin=(200.0, 300.0, 0.0)):
    return mesh.from_local(
        local, mesh.FaceFrame(mesh.rotation(angles), np.array(origin), np.array(unit))
    )


def test_pose_of_a_turned_face_is_recovered(face):
    local = mesh.to_local(face.astype(float))
    found = skull_poses(np.stack([posed(local, angles) for angles in ANGLES]), local)
    assert mesh.euler(found.rotation) == pytest.approx(ANGLES, abs=1e-3)
    assert found.unit == pytest.approx([90, 90, 90], abs=1e-3)
    assert found.origin == pytest.approx(np.tile([200.0, 300, 0], (3, 1)), abs=1e-3)


def test_jaw_and_lids_do_not_move_the_skull(face):
    local = mesh.to_local(face.astype(float))
    speaking = local.copy()
    speaking[[mesh.CHIN, 148, 377, 14, 17, 159, 386]] += [0, 0.2, 0.05]
    found = skull_poses(np.stack([posed(local, ANGLES[1]), posed(speaking, ANGLES[1])]), local)
    before, after = pose_at(found, 0), pose_at(found, 1)
    assert after.rotation == pytest.approx(before.rotation)
    assert after.origin == pytest.approx(before.origin)


def test_mean_face_ignores_frames_without_one(clip):
    points = np.concatenate([clip.track.points, np.zeros_like(clip.track.points)])
    valid = np.arange(len(points)) < len(clip.track)
    expected = mean_face(clip.track.points, np.ones(len(clip.track), bool))
    assert mean_face(points, valid) == pytest.approx(expected)
