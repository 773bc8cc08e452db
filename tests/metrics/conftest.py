"""A short scene with a face in it, found once, for every test that looks at frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from lipkit.faces import mesh
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


def animated(points: np.ndarray, pose: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """FaceMesh points (f, 478, 3) of a face turned by angles (f, 3), its mouth open by (f,) IOD."""
    frame = mesh.face_frame(points.astype(np.float64))
    local = np.repeat(mesh.to_local(points.astype(np.float64))[None], len(pose), 0)
    local[:, list(mesh.LOWER_LIP), 1] += np.asarray(opening)[:, None]
    turned = mesh.rotation(pose) @ frame.rotation
    origin = np.repeat(frame.origin[None], len(pose), 0)
    unit = np.repeat(frame.unit, len(pose))
    return mesh.from_local(local, mesh.FaceFrame(turned, origin, unit)).astype(np.float32)


@pytest.fixture(scope="session")
def filmed(scene: Scene) -> Callable[..., SimpleNamespace]:
    """What metrics see of a clip at 25 frames a second with the scene's face moving in it."""

    def film(
        pose: np.ndarray,
        opening: np.ndarray | None = None,
        *,
        valid: np.ndarray | None = None,
        size: tuple[int, int] = (SIDE, SIDE),
        **rest: object,
    ) -> SimpleNamespace:
        count = len(pose)
        still = np.zeros(count) if opening is None else opening
        track = FaceTrack(
            points=animated(scene.track.points[0], pose, still),
            valid=np.ones(count, np.bool_) if valid is None else valid,
            shot=np.zeros(count, np.int64),
            times=tuple(Fraction(k, 25) for k in range(count)),
            fps=Fraction(25),
            frame_size=size,
            scheme="mediapipe478",
        )
        known = {"name": "film", "size": size, "wave": None, "silence": None, "reference": None}
        known |= {"track": track, "track25": track, "fps": track.fps, "end": Fraction(count, 25)}
        return SimpleNamespace(**known | rest)

    return film
