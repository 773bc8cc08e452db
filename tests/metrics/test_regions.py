"""Boxes about faces and mouths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipkit.metrics.regions import SMALLEST, box
from tests.metrics.conftest import SIDE, Scene


def test_boxes_hold_their_part_of_the_face(scene: Scene) -> None:
    points = scene.track.points[0, :, :2]
    rows, columns = box("face", scene.track, 0) or (slice(0), slice(0))
    inside = (points[:, 0] >= columns.start - 0.5) & (points[:, 0] <= columns.stop + 0.5)
    inside &= (points[:, 1] >= rows.start - 0.5) & (points[:, 1] <= rows.stop + 0.5)
    assert inside.all()
    rows, columns = box("mouth", scene.track, 0) or (slice(0), slice(0))
    side = np.linalg.norm(points[33] - points[263])
    assert rows.stop - rows.start == pytest.approx(side, abs=1)
    assert columns.stop - columns.start == pytest.approx(side, abs=1)
    for corner in (61, 291, 0, 17):
        assert columns.start < points[corner, 0] < columns.stop
        assert rows.start < points[corner, 1] < rows.stop


def test_boxes_end_where_the_frame_does(scene: Scene) -> None:
    track = replace(scene.track, points=scene.track.points + np.array([SIDE / 3, 0, 0]))
    found = box("face", track, 0)
    assert found is not None
    assert found[1].stop == SIDE
    gone = replace(scene.track, points=scene.track.points + np.array([SIDE, 0, 0]))
    assert box("mouth", gone, 0) is None


def test_there_is_no_box_of_no_face(scene: Scene) -> None:
    assert box("face", replace(scene.track, valid=np.zeros(5, np.bool_)), 0) is None
    assert box("face", scene.track, len(scene.track)) is None
    far = replace(scene.track, points=scene.track.points * (SMALLEST / 2 / SIDE))
    assert box("face", far, 0) is None
