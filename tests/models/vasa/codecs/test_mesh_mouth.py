from __future__ import annotations

import cv2
import numpy as np
import pytest

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.portrait import mouth_corrected
from lipkit.models.vasa.codecs.mesh.seam import find_seam
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.teeth import find_band, find_teeth
from lipkit.models.vasa.codecs.mesh.tones import face_tones
from tests.models.vasa.codecs.conftest import drawn

UPPER, LOWER = list(mesh.UPPER_LIP_ROWS[0]), list(mesh.LOWER_LIP_ROWS[0])


def overlooked(points: np.ndarray) -> np.ndarray:
    """Points as of a tracker that takes the mouth for closed."""
    closed = points.copy()
    closed[UPPER] = closed[LOWER] = (points[UPPER] + points[LOWER]) / 2
    return closed


def grey(image: np.ndarray) -> np.ndarray:
    return np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] * 3)


def test_a_seam_is_found_where_the_lips_are_dark(portrait) -> None:
    points = overlooked(portrait.shape.points)
    shift = 0.02 * portrait.shape.unit
    line = (points[UPPER, :2] + [0, shift]).round().astype(np.int32)
    picture = np.full(portrait.image.shape[:2], 180, np.uint8)
    cv2.polylines(picture, [line], False, 40, 1)
    found = find_seam(picture.astype(np.float32), points)
    offset = found[UPPER[2:-2], 1] - points[UPPER[2:-2], 1]
    np.testing.assert_allclose(offset, shift, atol=0.8)
    np.testing.assert_array_equal(found[UPPER], found[LOWER])


@pytest.mark.parametrize("picture", [lambda image: image, grey], ids=["colour", "grey"])
def test_overlooked_teeth_are_found(portrait, picture) -> None:
    image, points = picture(portrait.image), overlooked(portrait.shape.points)
    found = find_teeth(image, points)
    assert found is not None
    assert mesh.aperture(found) > 0.05
    assert FaceShape(found).open


@pytest.mark.parametrize("picture", [lambda image: image, grey], ids=["colour", "grey"])
def test_closed_lips_have_no_teeth(codec, portrait, picture) -> None:
    closed = drawn(portrait, aperture=0.0, jaw=0.0)
    again = codec.encode_appearance(portrait.paste(closed[None])[0])
    assert find_teeth(picture(again.image), again.shape.points) is None


def test_the_user_has_the_last_word_on_teeth(portrait) -> None:
    points = overlooked(portrait.shape.points)
    told = mouth_corrected(portrait.image, FaceShape(points), "open")
    assert told.gap > 0.03
    closed = mouth_corrected(portrait.image, portrait.shape, "closed")
    assert closed.gap < 0.01


def test_the_band_that_stands_out_from_both_sides_is_found() -> None:
    values = np.full(48, 90.0)
    values[30:] = 140
    values[12:20] = 170
    band = find_band(values, 0.005)
    assert (band.top, band.bottom) == (12, 20)
    assert band.contrast == pytest.approx(80)


def test_a_grey_photo_gets_a_grey_mouth(portrait) -> None:
    nothing = np.zeros((0, 3), np.uint8)
    tones = face_tones(grey(portrait.image), portrait.shape, nothing)
    for colour in (tones.tooth, tones.cavity, tones.tongue):
        assert np.ptp(colour) < 1
    assert np.ptp(face_tones(portrait.image, portrait.shape, nothing).tongue) > 20


def test_opening_shows_the_inside_and_closing_hides_the_teeth(portrait) -> None:
    rows = portrait.shape.points[UPPER[3:8] + LOWER[3:8], :2]
    (x0, y0), (x1, y1) = rows.min(0).astype(int), rows.max(0).astype(int)
    inside = np.s_[y0 : y1 + 1, x0 : x1 + 1]
    closed = drawn(portrait, aperture=0.0, jaw=0.0)
    saturation = [
        cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[inside][..., 1].mean()
        for image in (portrait.image, closed)
    ]
    assert saturation[1] > 1.15 * saturation[0]
    below = round(portrait.shape.points[14, 1] + 0.05 * portrait.shape.unit)
    middle = round(portrait.shape.points[14, 0])
    wide = drawn(portrait, aperture=0.3, jaw=0.13)
    assert wide[below, middle].mean() < 0.5 * portrait.image[below, middle].mean()
