"""Faces that the user brings."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from safetensors.numpy import save

from lipkit.errors import BadInput
from lipkit.faces.file import FileTracker

POINTS = np.random.default_rng(0).uniform(10, 90, (4, 68, 2)).astype(np.float32)
FRAMES = np.zeros((4, 8, 8, 3), np.uint8)


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def lines(entries: list[object]) -> bytes:
    return "\n".join(json.dumps(entry) for entry in entries).encode()


ROWS = [{"points": points.tolist()} for points in POINTS]
FORMS = {
    "list": json.dumps(ROWS).encode(),
    "table": json.dumps({"frames": [[row] for row in ROWS]}).encode(),
    "lines": lines(list(ROWS)),
    "shuffled": lines([ROWS[i] | {"frame": i} for i in (2, 0, 3, 1)]),
    "npz": npz(points=POINTS),
    "safetensors": save({"points": POINTS}),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_same_faces(form: str) -> None:
    tracker = FileTracker(FORMS[form])
    assert (tracker.scheme, len(tracker)) == ("dlib68", 4)
    found = tracker.detect(FRAMES[:3]) + tracker.detect(FRAMES[3:])
    np.testing.assert_allclose([faces[0].points for faces in found], POINTS, rtol=1e-6)
    assert found[0][0].box == pytest.approx([*POINTS[0].min(0), *POINTS[0].max(0)])


def test_frames_without_a_face() -> None:
    tracker = FileTracker(json.dumps([ROWS[0], None, [], ROWS[1]]).encode())
    assert [len(faces) for faces in tracker.detect(FRAMES)] == [1, 0, 0, 1]
    masked = FileTracker(npz(points=POINTS, valid=np.array([1, 0, 1, 1], bool)))
    assert [len(faces) for faces in masked.detect(FRAMES)] == [1, 0, 1, 1]


def test_several_faces_and_scores() -> None:
    entry = [ROWS[0] | {"score": 0.25}, ROWS[1]]
    (faces,) = FileTracker(json.dumps([entry]).encode()).detect(FRAMES[:1])
    assert [face.score for face in faces] == [0.25, 1.0]


def test_boxes_become_five_points_in_them() -> None:
    tracker = FileTracker(npz(box=np.array([[10.0, 20, 50, 80]])))
    (face,) = tracker.detect(FRAMES[:1])[0]
    assert tracker.scheme == "five"
    assert (face.points > (10, 20)).all()
    assert (face.points < (50, 80)).all()


def test_one_entry_serves_all_frames() -> None:
    tracker = FileTracker(json.dumps(ROWS[0]).encode())
    assert len(tracker.detect(FRAMES)) == 4


def test_too_few_frames_are_refused_with_both_counts() -> None:
    tracker = FileTracker(FORMS["npz"], "mine.npz")
    tracker.detect(FRAMES)
    with pytest.raises(BadInput, match=r"mine\.npz: faces of 4 frames for a video of 5"):
        tracker.detect(FRAMES[:1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"[]",
        b'{"frames": [null]}',
        b'[{"points": [[1, 2], [3]]}]',
        b'[{"points": [[1, 2], [3, 4]]}]',
        b'[{"box": [5, 5, 1, 1]}]',
        b'[{"points": [[NaN, 2], [3, 4], [1, 1], [1, 1], [1, 1]]}]',
        b'{"frame": 999999999, "box": [0, 0, 1, 1]}\n{"box": [0, 0, 1, 1]}',
        npz(other=np.zeros(3)),
        npz(points=np.array([{}], dtype=object)),
        npz(points=POINTS)[:400],
        save({"other": POINTS}),
        save({"points": POINTS})[:-7],
        json.dumps([ROWS[0], {"box": [0, 0, 5, 5]}]).encode(),
    ],
)  # fmt: skip
def test_files_without_faces_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(BadInput, match="mine"):
        FileTracker(data, "mine")
