"""Where a face lands in its crop."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.errors import BadUsage
from lipkit.faces.landmarks import anchors, triple
from lipkit.faces.templates import SIZES, TEMPLATES, matrices
from lipkit.faces.warping import box_of, transform, zoom

SCHEME = "mediapipe478"
FRAME = (512, 512)


def moved(points: np.ndarray, angle: float, scale: float, shift: float) -> np.ndarray:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return transform(points, np.array([[c, -s, shift], [s, c, shift]]))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("size", [96, 512])
def test_the_face_is_inside_and_upright(
    template: str, size: int, astronaut_face: np.ndarray
) -> None:
    matrix = matrices(template, astronaut_face[None], SCHEME, size, frame_size=FRAME)[0]
    inside = transform(astronaut_face, matrix)
    eyes_and_mouth = anchors(inside, SCHEME)
    assert eyes_and_mouth.min() > 0
    assert eyes_and_mouth.max() < size - 1
    assert eyes_and_mouth[0, 0] < eyes_and_mouth[1, 0]
    assert eyes_and_mouth[:2, 1].max() < eyes_and_mouth[3:, 1].min()
    assert set(SIZES) == set(TEMPLATES)


def test_square_follows_place_turn_and_zoom(astronaut_face: np.ndarray) -> None:
    points = np.stack(
        [moved(astronaut_face, a, k, x) for a, k, x in ((0, 1, 0), (0.4, 2.2, 30), (-0.7, 0.4, 9))]
    )
    places = transform(points, matrices("square", points, SCHEME, 256, frame_size=FRAME))
    np.testing.assert_allclose(places[1, :, :2], places[0, :, :2], atol=1e-3)
    np.testing.assert_allclose(places[2, :, :2], places[0, :, :2], atol=1e-3)


def test_square_is_ffhqs_crop_of_a_frontal_face(astronaut_face: np.ndarray) -> None:
    matrix = matrices("square", astronaut_face[None], SCHEME, 1024, frame_size=FRAME)[0]
    left, right, _, *mouth = anchors(astronaut_face[..., :2], SCHEME)
    eyes, lips = (left + right) / 2, sum(mouth) / 2
    # FFHQ: half the side is the larger of twice the eyes' distance and 1.8 eye-to-mouth.
    half = max(2 * np.linalg.norm(right - left), 1.8 * np.linalg.norm(lips - eyes))
    assert 1024 / zoom(matrix) == pytest.approx(2 * half, rel=0.05)
    centre = transform((eyes + 0.1 * (lips - eyes))[None], matrix)[0]
    assert centre == pytest.approx([511.5, 511.5], abs=40)


def test_an_opening_mouth_hardly_moves_the_square(astronaut_face: np.ndarray) -> None:
    spoken = astronaut_face.copy()
    corners = [61, 291]
    spoken[corners, 1] += 0.05 * np.ptp(astronaut_face[:, 0])
    both = np.stack([astronaut_face, spoken])
    first, second = matrices("square", both, SCHEME, 256, frame_size=FRAME)
    nose = astronaut_face[[1], :2]
    assert np.abs(transform(nose, first) - transform(nose, second)).max() < 1


@pytest.mark.parametrize("size", [128, 256, 512])
def test_latentsync_puts_brows_and_nose_where_its_networks_want_them(
    size: int, astronaut_face: np.ndarray
) -> None:
    matrix = matrices("latentsync", astronaut_face[None], SCHEME, size, frame_size=FRAME)
    left, right, nose = transform(triple(astronaut_face, SCHEME)[None], matrix)[0] * 256 / size
    assert left == pytest.approx([58, 51], abs=16)
    assert right == pytest.approx([198, 51], abs=16)
    assert nose == pytest.approx([128, 102], abs=24)
    # The crop of 3:4 is squeezed to a square.
    across, down = np.linalg.norm(matrix[0, :, :2], axis=1)
    assert across / down == pytest.approx(4 / 3, rel=0.01)


def test_portrait_is_one_upright_crop_inside_the_picture(astronaut_face: np.ndarray) -> None:
    points = np.stack([moved(astronaut_face, a, 1, 5 * a) for a in (-0.1, 0, 0.1)])
    found = matrices("portrait", points, SCHEME, 300, frame_size=FRAME)
    assert (found == found[0]).all()
    assert found[0, 0, 1] == found[0, 1, 0] == 0
    corners = np.array([[-0.5, -0.5], [299.5, 299.5]])
    low, high = (corners - found[0, :, 2]) / found[0, 0, 0]
    assert low.min() >= -0.51
    assert high.max() <= 511.51
    boxes = box_of(transform(points, found))
    assert boxes.min() > 0
    assert boxes.max() < 299


def test_portrait_of_a_face_too_large_for_the_picture_is_centred() -> None:
    points = np.zeros((1, 5, 2))
    points[0] = [[-100, 0], [400, 0], [150, 200], [0, 380], [300, 380]]
    (matrix,) = matrices("portrait", points, "five", 64, frame_size=(300, 300))
    assert transform(np.array([[149.5, 149.5]]), matrix)[0] == pytest.approx([31.5, 31.5])


def test_an_unknown_template_is_a_usage_error(astronaut_face: np.ndarray) -> None:
    with pytest.raises(BadUsage, match="square"):
        matrices("round", astronaut_face[None], SCHEME, 64, frame_size=FRAME)
