"""A short scene with a face in it, found once, for every test that looks at frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from lipkit.protocols import FaceTrack

TOP, LEFT, SIDE = 0, 100, 256  # of the scene in the portrait
COUNT = 5


@dataclass(frozen=True)
class Scene:
    """Frames ``(f, h, w, 3)``, the face in them, and what a clip of them knows of itself."""

    frames: np.ndarray
    track: FaceTrack

    @property
    def clip(self) -> SimpleNamespace:
        rows = np.arange(len(self.frames))
        return SimpleNamespace(
            name="scene", track=self.track, frame_count=len(rows), rows25=rows, times=rows
        )

    def tracked(self, track: FaceTrack) -> Scene:
        return replace(self, track=track)


@pytest.fixture(scope="session")
def scene(astronaut: np.ndarray) -> Scene:
    """Five equal frames of a face."""
    from lipkit.faces.mediapipe import MediapipeTracker

    picture = astronaut[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    (face,) = MediapipeTracker(still=True).detect(picture[None])[0]
    frames = np.repeat(picture[None], COUNT, 0)
    frames.flags.writeable = False
    track = FaceTrack(
        points=np.repeat(face.points[None], COUNT, 0),
        valid=np.ones(COUNT, np.bool_),
        shot=np.zeros(COUNT, np.int64),
        times=tuple(Fraction(k, 25) for k in range(COUNT)),
        fps=Fraction(25),
        frame_size=(SIDE, SIDE),
        scheme="mediapipe478",
    )
    return Scene(frames, track)
