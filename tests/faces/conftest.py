"""The face on the portrait that all tests share, found once."""

from __future__ import annotations

import numpy as np
import pytest

from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.protocols import Face


@pytest.fixture(scope="session")
def still_tracker() -> MediapipeTracker:
    return MediapipeTracker(still=True)


@pytest.fixture(scope="session")
def portrait(astronaut: np.ndarray, still_tracker: MediapipeTracker) -> Face:
    (face,) = still_tracker.detect(astronaut[None])[0]
    return face


@pytest.fixture(scope="session")
def astronaut_face(portrait: Face) -> np.ndarray:
    """FaceMesh points (478, 3) of the portrait."""
    return portrait.points
