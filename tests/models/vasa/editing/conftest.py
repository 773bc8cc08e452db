"""A filmed face for the editor's tests: the astronaut, swaying."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import pytest

from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa.editing.speech import Voice, voice_of
from lipkit.models.vasa.pipeline import VoiceGenerator
from lipkit.protocols import FaceTrack

FRAMES = 12


@dataclass(frozen=True)
class Clip:
    """Frames ``(f, h, w, 3)`` and the face in them."""

    frames: np.ndarray
    track: FaceTrack

    def read(self, rows: Sequence[int]) -> Iterator[np.ndarray]:
        """Single frames, as an editor asks for them."""
        for row in rows:
            yield self.frames[row][None]


@pytest.fixture(scope="session")
def face(astronaut: np.ndarray) -> np.ndarray:
    """The astronaut's landmarks ``(478, 3)``."""
    return MediapipeTracker(max_faces=1, still=True).detect(astronaut[None])[0][0].points


@pytest.fixture(scope="session")
def clip(astronaut: np.ndarray, face: np.ndarray) -> Clip:
    """The astronaut shifted by whole pixels from frame to frame."""
    shifts = [(row % 3, 2 * (row % 4)) for row in range(FRAMES)]
    frames = np.stack([np.roll(astronaut, (dy, dx), (0, 1)) for dx, dy in shifts])
    points = np.stack([face + np.array([dx, dy, 0], np.float32) for dx, dy in shifts])
    times = [Fraction(row, 25) for row in range(FRAMES)]
    here, shot = np.ones(FRAMES, bool), np.zeros(FRAMES, int)
    size = (astronaut.shape[1], astronaut.shape[0])
    return Clip(frames, FaceTrack(points, here, shot, times, Fraction(25), size, "mediapipe478"))


@pytest.fixture(scope="session")
def voice() -> Callable[..., Voice]:
    """Voices of given apertures ``(f,)`` at 25 frames a second."""

    def make(apertures: Sequence[float]) -> Voice:
        motion = np.zeros((len(apertures), 15), np.float32)
        motion[:, 0] = apertures
        return voice_of(motion, np.ones(len(apertures), bool), VoiceGenerator.layout)

    return make


@pytest.fixture(scope="session")
def turned() -> Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]:
    """An image and its landmarks rolled by degrees about the picture's middle."""

    def turn(image: np.ndarray, points: np.ndarray, *, by: float) -> tuple[np.ndarray, np.ndarray]:
        height, width = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -by, 1.0)
        moved = points.copy()
        moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        return cv2.warpAffine(image, matrix, (width, height)), moved

    return turn
