"""Filters that look at the face's track alone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.faces.tracks import Path
from lipkit.filters import tracks
from lipkit.filters.tracks import Followed

COUNT = 40


def followed(points: np.ndarray | None = None, **changes: object) -> Followed:
    """A face of 100x120 pixels in frames of 640x480; without points it is all at one place."""
    if points is None:
        points = np.zeros((COUNT, 478, 3), np.float32)
    box = np.repeat(np.array([[200.0, 150, 300, 270]]), COUNT, 0)
    path = Path(points, box, np.ones(COUNT, np.float32), np.ones(COUNT, bool))
    seen = Followed(path, np.ones(COUNT, int), Fraction(25), (640, 480), "mediapipe478")
    return replace(seen, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def face(astronaut: np.ndarray) -> np.ndarray:
    """A real face's points ``(478, 3)``."""
    from lipkit.faces.mediapipe import MediapipeTracker

    (found,) = MediapipeTracker(still=True).detect(astronaut[None, :256, 112:336])[0]
    return found.points.astype(np.float64)


def turned(face: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """The face ``(f, 478, 3)`` turned to the side by angles ``(f,)``, from looking ahead."""
    frame, count = mesh.face_frame(face), len(yaw)
    pose = np.zeros((count, 3))
    pose[:, 0] = yaw
    origin, unit = np.repeat(frame.origin[None], count, 0), np.repeat(frame.unit, count)
    local = np.repeat(mesh.to_local(face)[None], count, 0)
    return mesh.from_local(local, mesh.FaceFrame(mesh.rotation(pose), origin, unit))


def without(seen: Followed, rows: slice, score: float = 0.0) -> Followed:
    score_rows = seen.path.score.copy()
    score_rows[rows] = score
    return replace(seen, path=replace(seen.path, score=score_rows))


def test_bridged_frames_are_not_found_ones() -> None:
    assert tracks.detection(followed()).value == 1
    assert tracks.detection(without(followed(), slice(0, 4))).value == 0.9


def test_a_second_face_counts_frame_by_frame() -> None:
    faces = np.ones(COUNT, int)
    faces[:10] = 2
    assert tracks.single_face(followed(faces=faces)).value == 0.75


def test_the_smallest_box_is_what_counts() -> None:
    seen = followed()
    assert tracks.resolution(seen).value == 100
    seen.path.box[7] = 200, 150, 280, 300
    assert tracks.resolution(seen).value == 80
    assert tracks.resolution(without(seen, slice(7, 8))).value == 100


def test_a_face_at_the_edge_is_not_whole() -> None:
    seen = followed()
    assert tracks.whole_face(seen).value == 1
    seen.path.box[3] = -25, 150, 75, 270
    assert tracks.whole_face(seen).value == pytest.approx(0.75)
    seen.path.box[4] = 900, 150, 1000, 270
    assert tracks.whole_face(seen).value == 0


def test_nobody_has_no_values() -> None:
    seen = without(followed(), slice(None))
    for name in ("resolution", "whole_face", "yaw", "tracking"):
        found = tracks.MEASURES[name](seen)
        assert (found.value, found.stays) == (None, False)
    assert tracks.detection(seen).value == 0


def test_turns_to_either_side_count(face: np.ndarray) -> None:
    angles = np.full(COUNT, 5.0)
    angles[:4] = -50
    assert tracks.yaw(followed(turned(face, angles))).value == pytest.approx(50, abs=1)
    angles[1:] = 5  # one frame in forty is forgiven
    assert tracks.yaw(followed(turned(face, angles))).value == pytest.approx(5, abs=1)


def test_only_the_mesh_tells_yaw() -> None:
    found = tracks.yaw(followed(scheme="dlib68"))
    assert (found.value, found.stays) == (None, True)


def test_trembling_landmarks_are_told_from_a_moving_head(face: np.ndarray) -> None:
    swing = turned(face, 20 * np.sin(np.arange(COUNT) / 8))
    noise = np.random.default_rng(0).normal(0, 2, swing.shape)
    calm, restless = (tracks.tracking(followed(p)).value for p in (swing, swing + noise))
    assert calm is not None
    assert restless is not None
    assert calm < 300 < 2000 < restless
    zoomed = tracks.tracking(followed(3 * (swing + noise))).value
    assert zoomed == pytest.approx(restless, rel=1e-4)
