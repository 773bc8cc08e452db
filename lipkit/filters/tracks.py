"""What the track of a face says of a piece of footage, before any picture is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.faces.tracks import Path
from lipkit.filters.verdicts import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NOBODY = Value(None, "no frame shows the face")


@dataclass(frozen=True)
class Followed:
    """A face through a piece: its ``path`` as tracked, not smoothed, in pixels of the source.

    ``faces (f,)`` counts the faces of each frame.
    """

    path: Path
    faces: Array
    fps: Fraction
    frame_size: tuple[int, int]
    scheme: str

    @property
    def there(self) -> Array:
        """The frames ``(f,)`` in which the face was found, not bridged."""
        return np.asarray(self.path.valid & (self.path.score > 0))


def detection(seen: Followed) -> Value:
    """Share of frames in which the face was found itself."""
    return Value(float(seen.there.mean()))


def single_face(seen: Followed) -> Value:
    """Share of frames that show one face and no other."""
    return Value(float((seen.faces == 1).mean()))


def resolution(seen: Followed) -> Value:
    """The smaller side of the face's box, in the frame where it is least, pixels."""
    if not seen.there.any():
        return NOBODY
    boxes = seen.path.box[seen.there]
    return Value(float((boxes[:, 2:] - boxes[:, :2]).min()))


def whole_face(seen: Followed) -> Value:
    """Share of the face's box inside the picture, in the frame where it is least."""
    if not seen.there.any():
        return NOBODY
    boxes = seen.path.box[seen.there].astype(np.float64)
    limits = np.tile(np.asarray(seen.frame_size, np.float64), 2)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6), -1)
    inside = np.clip(boxes, 0, limits)
    shown = np.prod(np.maximum(inside[:, 2:] - inside[:, :2], 0), -1)
    return Value(float((shown / area).min()))


def yaw(seen: Followed) -> Value:
    """How far the head turns to a side, 95th percentile of the frames, degrees."""
    from lipkit.faces.mesh import euler, face_frame

    if seen.scheme != "mediapipe478":
        return Value(None, "only --tracker mediapipe tells it", stays=True)
    if not seen.there.any():
        return NOBODY
    angles = euler(face_frame(seen.path.points[seen.there]).rotation)
    return Value(float(np.percentile(np.abs(angles[:, 0]), 95)))


def tracking(seen: Followed) -> Value:
    """How restless the landmarks are: mean third difference in eye distances/s^3.

    VLOGGER's measure of temporal consistency (arXiv:2403.08764), of the tracker's own points.
    """
    from lipkit.faces.masks import eye_distance
    from lipkit.metrics.motion import roughness

    if not seen.there.any():
        return NOBODY
    unit = np.median([eye_distance(points, seen.scheme) for points in seen.path.points[seen.there]])
    points = np.where(seen.there[:, None, None], seen.path.points[..., :2], np.nan)
    found = roughness(points / max(float(unit), 1e-6), float(seen.fps), 3)
    reason = None if found is not None else "no four frames in a row show the face"
    return Value(found, reason)


MEASURES: dict[str, Callable[[Followed], Value]] = {
    "detection": detection,
    "single_face": single_face,
    "resolution": resolution,
    "whole_face": whole_face,
    "yaw": yaw,
    "tracking": tracking,
}
