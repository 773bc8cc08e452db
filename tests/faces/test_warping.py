"""Crops and their way back, at sub-pixel places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipkit.faces import warping
from lipkit.faces.warping import compose, invert, paste, transform, warp

MATRICES = st.builds(
    lambda angle, zoom, x, y: np.array(
        [
            [zoom * np.cos(angle), -zoom * np.sin(angle), x],
            [zoom * np.sin(angle), zoom * np.cos(angle), y],
        ]
    ),
    st.floats(-3, 3),
    st.floats(0.2, 5),
    st.floats(-50, 50),
    st.floats(-50, 50),
)


def waves(width: int, height: int, matrix: np.ndarray | None = None) -> np.ndarray:
    """A smooth picture (h, w, 3) uint8, drawn exactly at where ``matrix`` puts its pixels."""
    x, y = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    if matrix is not None:
        places = transform(np.stack([x, y], -1), invert(matrix))
        x, y = places[..., 0], places[..., 1]
    planes = [np.sin(x / 11 + y / 17), np.cos(x / 13 - y / 10), np.sin((x + y) / 19)]
    return np.rint(127.5 + 100 * np.stack(planes, -1)).astype(np.uint8)


@given(MATRICES, MATRICES)
@settings(max_examples=50, deadline=None)
def test_matrices_compose_and_invert(first: np.ndarray, second: np.ndarray) -> None:
    points = np.random.default_rng(1).normal(0, 100, (7, 3))
    both = transform(transform(points, first), second)
    np.testing.assert_allclose(transform(points, compose(second, first)), both, atol=1e-6)
    np.testing.assert_allclose(transform(both, invert(second)), transform(points, first), atol=1e-6)


@given(st.floats(-0.7, 0.7), st.sampled_from([0.23, 0.5, 0.81, 1.0, 1.7]), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_a_crop_shows_what_lies_there(angle: float, zoom: float, shift: float) -> None:
    size, centre = (48, 40), np.array([150.3, 120.6])
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[c, -s], [s, c]])
    target = np.array([24 + shift, 20 - shift])
    matrix = np.concatenate([linear, (target - linear @ centre)[:, None]], 1)
    crop = warp(waves(300, 240), matrix, size)
    want = waves(*size, matrix)
    # Averaging areas flattens the waves a little; a drift of half a crop pixel would cost more.
    assert np.abs(crop.astype(int) - want).mean() < (4 if zoom < 0.5 else 1.5)


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = warp(stripes, warping.scaling(0.25), (50, 50))
    assert np.abs(crop[2:-2, 2:-2].astype(int) - 127).max() <= 2


def test_a_whole_factor_equals_the_mean_of_blocks() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    blocks = picture.reshape(15, 4, 20, 4, 3).mean((1, 3))
    crop = warp(picture, warping.scaling(0.25), (20, 15))
    assert np.abs(crop - blocks).max() <= 1


@given(st.floats(-0.6, 0.6), st.floats(0.7, 1.6))
@settings(max_examples=20, deadline=None)
def test_paste_undoes_warp(angle: float, zoom: float) -> None:
    frame = waves(160, 120)
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[c, -s], [s, c]])
    matrix = np.concatenate([linear, (32 - linear @ (81.5, 60.25))[:, None]], 1)
    crop = warp(frame, matrix, (64, 64))
    mask = np.zeros((64, 64), np.float32)
    mask[6:-6, 6:-6] = 1
    back = paste(frame, crop, matrix, mask)
    assert np.abs(back.astype(int) - frame).max() <= 4


def test_paste_leaves_the_rest_alone_bit_for_bit() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    matrix = np.array([[1.1, 0.2, -40.0], [-0.2, 1.1, -10.0]])
    mask = np.zeros((40, 40), np.float32)
    mask[10:30, 10:30] = 1
    out = paste(frame, np.zeros((40, 40, 3), np.uint8), matrix, mask)
    changed = (out != frame).any(-1)
    inside = transform(np.argwhere(changed)[:, ::-1].astype(float), matrix)
    assert changed.sum() > 100
    assert inside.min() > 8
    assert inside.max() < 31


def test_paste_outside_the_picture_changes_nothing() -> None:
    frame = np.full((30, 30, 3), 7, np.uint8)
    far = np.array([[1.0, 0, 500], [0, 1.0, 500]])
    out = paste(frame, np.full((8, 8, 3), 200, np.uint8), far, np.ones((8, 8), np.float32))
    np.testing.assert_array_equal(out, frame)


def test_pictures_too_wide_for_the_warp_still_work() -> None:
    wide = np.zeros((8, 40_000, 3), np.uint8)
    wide[:, 39_000:39_010] = 255
    matrix = np.array([[1.0, 0, -38_990], [0, 1.0, 0]])
    crop = warp(wide, matrix, (30, 8))
    np.testing.assert_array_equal(np.flatnonzero(crop[4, :, 0] == 255), np.arange(10, 20))


def test_overlap_of_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], float)
    found = warping.overlap(boxes[:1], boxes)
    assert found[0] == pytest.approx([1, 1 / 3, 0])
