"""Face tracks and crops in one pass, against the recipe done with everything at hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.signal import medfilt

from lipkit.metrics.face_crops import SYNCNET, BoxTrack, FaceCropper, crop

RANDOM = np.random.default_rng(11)
FRAMES = RANDOM.integers(0, 256, (70, 90, 120, 3), np.uint8)


def walk(count: int, start: tuple[float, float], side: float) -> np.ndarray:
    """Boxes ``(count, 4)`` that wander about."""
    centres = np.array(start) + RANDOM.normal(size=(count, 2)).cumsum(0)
    halves = side / 2 + RANDOM.normal(size=(count, 1))
    return np.concatenate([centres - halves, centres + halves], 1)


def run(boxes: list[np.ndarray], cuts: tuple[int, ...] = ()) -> dict[BoxTrack, list[np.ndarray]]:
    """Crops by track of the frames with these boxes."""
    cropper, found = FaceCropper(), dict[BoxTrack, list[np.ndarray]]()
    for number, here in enumerate(boxes):
        due = list(cropper.end()) if number in cuts else []
        due += list(cropper.see(number, FRAMES[number], here))
        for track, face in due:
            found.setdefault(track, []).append(face)
    for track, face in cropper.end():
        found.setdefault(track, []).append(face)
    assert not cropper._held
    return found


def expected(boxes: np.ndarray, first: int) -> list[np.ndarray]:
    """Crops of a whole track by padding whole frames, as the official script works."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    s = (boxes[:, 2:] - boxes[:, :2]).max(1) / 2
    x, y, s = (medfilt(values, 13) for values in (x, y, s))
    faces = []
    for k, half in enumerate(s):
        border = int(half * 1.8)
        margins = ((border, border), (border, border), (0, 0))
        frame = np.pad(FRAMES[first + k], margins, constant_values=110)
        top, left = y[k] + border, x[k] + border
        rows = slice(int(top - half), int(top + half * 1.8))
        columns = slice(int(left - half * 1.4), int(left + half * 1.4))
        faces.append(cv2.resize(frame[rows, columns], (224, 224)))
    return faces


def test_crops_are_those_of_the_whole_track() -> None:
    boxes = walk(70, (60, 45), 40)
    ((track, faces),) = run([box[None] for box in boxes]).items()
    assert (track.first, track.last, track.detected) == (0, 69, 70)
    for ours, theirs in zip(faces, expected(boxes, 0), strict=True):
        assert np.array_equal(ours, theirs)


def test_gaps_are_interpolated() -> None:
    boxes = walk(70, (60, 45), 40)
    seen = [box[None] if not 20 <= k < 35 else np.zeros((0, 4)) for k, box in enumerate(boxes)]
    boxes[20:35] = boxes[19] + (boxes[35] - boxes[19]) * np.arange(1, 16)[:, None] / 16
    ((track, faces),) = run(seen).items()
    assert track.detected == 55
    for ours, theirs in zip(faces, expected(boxes, 0), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_gap_of_more_than_25_frames_ends_a_track() -> None:
    boxes = [np.array([[40.0, 25, 80, 65]])] * 70
    for last, tracks in ((44, 1), (45, 2)):
        seen = [b if not 20 <= k < last else np.zeros((0, 4)) for k, b in enumerate(boxes)]
        found = run(seen)
        assert len(found) == tracks
        assert sum(len(faces) for faces in found.values()) == 70 - (last - 20) * (tracks - 1)


def test_two_faces_are_two_tracks() -> None:
    left, right = walk(40, (30, 45), 30), walk(40, (95, 45), 30)
    found = run([np.stack(pair) for pair in zip(left, right, strict=True)])
    assert [len(faces) for faces in found.values()] == [40, 40]


def test_a_cut_ends_all_tracks() -> None:
    found = run([box[None] for box in walk(50, (60, 45), 40)], cuts=(30,))
    assert [(track.first, len(faces)) for track, faces in found.items()] == [(0, 30), (30, 20)]


def test_few_frames_are_held() -> None:
    cropper, boxes = FaceCropper(), walk(70, (60, 45), 40)
    for number, box in enumerate(boxes):
        list(cropper.see(number, FRAMES[number], box[None]))
        assert len(cropper._held) <= SYNCNET.median // 2 + 1


def test_beyond_the_picture_the_crop_is_grey() -> None:
    face = crop(np.zeros((50, 50, 3), np.uint8), np.array([0.0, 25.0, 20.0]))
    assert (face[:, :100] == 110).all()
    assert (face[50:150, 130:] == 0).all()
    away = crop(np.zeros((50, 50, 3), np.uint8), np.array([900.0, 25.0, 20.0]))
    assert (away == 110).all()


def test_size_is_the_larger_mean_side() -> None:
    track = BoxTrack(0)
    track.add(0, np.array([0.0, 0, 10, 30]))
    track.add(2, np.array([0.0, 0, 20, 50]))
    assert track.size == pytest.approx(40)
