"""Telling people apart."""

from __future__ import annotations

import numpy as np

from lipkit.faces.likeness import likeness_to
from lipkit.faces.tracks import SOMEBODY_ELSE
from lipkit.faces.warping import transform, warp
from lipkit.protocols import Face

SCHEME = "mediapipe478"


def test_the_same_face_elsewhere_is_alike_and_another_is_not(
    astronaut: np.ndarray, portrait: Face
) -> None:
    alike = likeness_to(astronaut, portrait, SCHEME)
    assert alike(astronaut, portrait) > 0.999
    matrix = np.array([[1.2, 0.3, 10.0], [-0.3, 1.2, 90.0]])
    turned = warp(astronaut, matrix, (600, 600))
    darker = (turned * 0.8).astype(np.uint8)
    there = Face(portrait.box, transform(portrait.points, matrix), 1.0)
    assert alike(darker, there) > 0.8
    suit = Face(portrait.box, portrait.points + np.float32([20, 230, 0]), 1.0)
    assert alike(astronaut, suit) < SOMEBODY_ELSE
