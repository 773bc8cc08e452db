"""The offline tracker on a real face."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import cv2
import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker, person_matte
from lipkit.faces.quiet import quiet
from lipkit.faces.warping import transform, warp
from lipkit.protocols import Face


@pytest.fixture(scope="module")
def tracker() -> MediapipeTracker:
    return MediapipeTracker()


def distance(found: np.ndarray, want: np.ndarray) -> float:
    """Mean distance of landmarks in units of the eyes' distance."""
    apart = np.linalg.norm(found[:, :2] - want[:, :2], axis=-1).mean()
    return float(apart / mesh.face_frame(want)[2])


def placed(
    picture: np.ndarray, angle: float, scale: float, at: tuple[float, float], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The portrait turned, zoomed and put with its nose at a place of a grey canvas."""
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[c, -s], [s, c]])
    matrix = np.concatenate([linear, (np.array(at) - linear @ (223, 130))[:, None]], 1)
    return warp(picture, matrix, size, "constant", 90), matrix


def test_the_portrait_is_found(portrait: Face) -> None:
    assert portrait.points.shape == (478, 3)
    assert portrait.box == pytest.approx([179, 68, 271, 178], abs=4)
    assert portrait.score > 0.9
    eyes = mesh.eye_opening(portrait.points)
    assert (eyes > 0.03).all()
    assert mesh.width(portrait.points) == pytest.approx(0.68, abs=0.08)  # she smiles


@pytest.mark.parametrize(
    ("angle", "scale", "at", "size"),
    [
        (0.5, 1.0, (200.0, 300.0), (500, 500)),
        (-0.4, 3.0, (700.0, 500.0), (1400, 1000)),
        (0.0, 0.4, (980.0, 640.0), (1280, 720)),  # 37 pixels of face
        (np.pi / 2, 1.0, (250.0, 250.0), (500, 500)),
        (np.pi, 1.0, (250.0, 250.0), (500, 500)),
    ],
)
def test_faces_large_small_and_turned_are_found_in_place(
    angle: float,
    scale: float,
    at: tuple[float, float],
    size: tuple[int, int],
    astronaut: np.ndarray,
    portrait: Face,
    still_tracker: MediapipeTracker,
) -> None:
    picture, matrix = placed(astronaut, angle, scale, at, size)
    faces = still_tracker.detect(picture[None])[0]
    assert len(faces) == 1
    assert distance(faces[0].points, transform(portrait.points, matrix)) < 0.05


def test_points_do_not_drift_with_the_zoom(
    astronaut: np.ndarray, portrait: Face, still_tracker: MediapipeTracker
) -> None:
    (face,) = still_tracker.detect(cv2.resize(astronaut, None, fx=2, fy=2)[None])[0]
    offset = (face.points[:, :2] + 0.5) / 2 - 0.5 - portrait.points[:, :2]
    assert np.abs(offset.mean(0)).max() < 0.25


def test_several_faces_come_largest_first(
    astronaut: np.ndarray, still_tracker: MediapipeTracker
) -> None:
    head = astronaut[20:270, 90:340]
    crowd = np.full((300, 600, 3), 120, np.uint8)
    crowd[40:165, 20:145] = cv2.resize(head, (125, 125), interpolation=cv2.INTER_AREA)
    crowd[20:270, 300:550] = head
    faces = still_tracker.detect(crowd[None])[0]
    assert [bool(face.box[0] > 250) for face in faces] == [True, False]


@pytest.mark.parametrize("side", [40, 64])
def test_pictures_of_few_pixels(
    side: int, astronaut: np.ndarray, still_tracker: MediapipeTracker
) -> None:
    head = cv2.resize(astronaut[30:210, 135:315], (side, side), interpolation=cv2.INTER_AREA)
    assert len(still_tracker.detect(head[None])[0]) == 1


def test_what_is_no_face_is_not_found(
    still_tracker: MediapipeTracker, shared_dog: np.ndarray
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    for picture in (noise, np.zeros((80, 80, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert still_tracker.detect(picture[None]) == [[]]
    assert still_tracker.detect(shared_dog[None]) == [[]]


@pytest.fixture
def shared_dog(shared: object) -> np.ndarray:
    from PIL import Image

    with Image.open(f"{shared}/media/portraits/dog_no_face.jpg") as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_moving_face_is_followed(
    astronaut: np.ndarray, portrait: Face, tracker: MediapipeTracker
) -> None:
    frames, matrices = [], []
    for i in range(12):
        frame, matrix = placed(astronaut, 0.03 * i, 1.2, (200.0 + 6 * i, 250.0 - 3 * i), (480, 480))
        frames.append(frame)
        matrices.append(matrix)
    tracker.reset()
    found = tracker.detect(np.stack(frames))
    for faces, matrix in zip(found, matrices, strict=True):
        assert len(faces) == 1
        assert distance(faces[0].points, transform(portrait.points, matrix)) < 0.05


def test_a_face_that_leaves_is_lost_and_found_again(
    astronaut: np.ndarray, tracker: MediapipeTracker
) -> None:
    nobody = np.full_like(astronaut, 90)
    tracker.reset()
    found = tracker.detect(np.stack([astronaut, nobody, nobody, astronaut, astronaut]))
    assert [len(faces) for faces in found] == [1, 0, 0, 1, 1]


def test_a_still_face_keeps_still(astronaut: np.ndarray, tracker: MediapipeTracker) -> None:
    rng = np.random.default_rng(0)
    frames = np.clip(astronaut + rng.normal(0, 2, (16, *astronaut.shape)), 0, 255).astype(np.uint8)
    tracker.reset()
    points = np.stack([faces[0].points for faces in tracker.detect(frames)])[4:]
    jitter = points[..., :2].std(0).mean() / mesh.face_frame(points)[2].mean()
    assert jitter < 0.003
    assert mesh.aperture(points).std() < 0.005


def test_the_matte_holds_the_person(astronaut: np.ndarray) -> None:
    matte = person_matte(astronaut)
    assert matte.shape == astronaut.shape[:2]
    assert matte[80:170, 190:250].mean() > 0.98
    assert matte[5:40, 480:].max() < 0.2


def test_native_chatter_is_silenced_and_exceptions_are_not(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def chatter() -> None:
        with quiet():
            os.write(2, b"W0000 chatter\n")
            warnings.warn("deprecated")
            raise ValueError("real")

    with pytest.raises(ValueError, match="real"):
        chatter()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_nothing_reaches_stderr_from_a_fresh_start() -> None:
    code = (
        "import numpy as np; from lipkit.faces.mediapipe import MediapipeTracker, person_matte;"
        "p = np.zeros((64, 64, 3), np.uint8); MediapipeTracker(still=True).detect(p[None]);"
        "person_matte(p)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_module_itself_imports_without_mediapipe() -> None:
    code = "import sys, lipkit.faces.mediapipe; sys.exit('mediapipe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
