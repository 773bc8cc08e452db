"""Boxes that become square crops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from lipkit.errors import BadInput
from lipkit.faces import boxes
from lipkit.faces.landmarks import anchors
from lipkit.faces.warping import transform, warp

SCHEME = "mediapipe478"


def test_a_crop_is_what_its_box_holds() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    matrix = boxes.squeezed(np.array([8, 10, 24, 26]), 16)
    assert (warp(picture, matrix, (16, 16)) == picture[10:26, 8:24]).all()


def test_a_box_is_squeezed_to_a_square() -> None:
    matrix = boxes.squeezed(np.array([[10.0, 20.0, 30.0, 60.0]]), 96)
    edges = np.array([[9.5, 19.5], [29.5, 59.5]])
    assert transform(edges, matrix)[0] == pytest.approx(np.array([[-0.5, -0.5], [95.5, 95.5]]))


@pytest.mark.parametrize("cut", [boxes.head, partial(boxes.bridged, margin=0.04)])
def test_the_mouth_lies_in_the_lower_half(
    cut: Callable[..., np.ndarray], astronaut_face: np.ndarray
) -> None:
    matrix = boxes.squeezed(cut(astronaut_face, SCHEME), 96)
    left, right, _, *corners = anchors(transform(astronaut_face, matrix), SCHEME)
    assert max(left[1], right[1]) < 46
    for x, y in corners:
        assert 52 < y < 85
        assert 20 < x < 76
    inside = transform(astronaut_face[[152]], matrix)[0]
    assert 85 < inside[1] < 95


def test_the_bridge_is_halfway_and_moves_by_the_shift(astronaut_face: np.ndarray) -> None:
    x0, y0, x1, y1 = boxes.bridged(astronaut_face, SCHEME)
    assert (y0 + y1) / 2 == pytest.approx(astronaut_face[5, 1])
    lower = boxes.bridged(astronaut_face, SCHEME, shift=0.1)
    assert lower[1] - y0 == pytest.approx(0.2 * (y1 - y0))
    assert lower[[0, 2, 3]] == pytest.approx([x0, x1, y1])


def test_five_points_are_too_few() -> None:
    with pytest.raises(BadInput, match="have no jaw"):
        boxes.head(np.zeros((5, 2)), "five")
