"""The first pass: one face through the whole video, as the geometry that every later step reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.survey import Crop, Wish, locate, survey
from lipkit.flow import ahead
from lipkit.media.video import read_timed_frames
from lipkit.protocols import FaceTrack

if TYPE_CHECKING:
    from lipkit.faces.geometry import Geometry
    from lipkit.protocols import FaceTracker, Frames

LOOK = 8  # frames looked at at once, while the next ones are being decoded


def follow(
    path: Path,
    tracker: FaceTracker,
    wish: Wish,
    *,
    seen: tuple[int, int],
    frame_size: tuple[int, int],
    advance: Callable[[int], object] = lambda _: None,
) -> Geometry:
    """The wished face in every frame of ``path``, found in frames reduced to ``seen``.

    BadInput where no frame shows it. ``advance`` hears how many frames more were looked at.
    """
    times: list[Fraction] = []

    def watched() -> Iterator[Frames]:
        for part in ahead(read_timed_frames(path, size=seen, exact=False, chunk=LOOK)):
            times.extend(part.times)
            yield part.frames
            advance(len(part.times))

    found = survey(watched(), tracker, wish)
    if not found.found and found.most_faces:
        raise BadInput(
            f"{path}: nobody that --face means, though up to {found.most_faces} faces at a time",
            hint="choose by --face left or 1, or by another picture",
        )
    if not found.found:
        raise BadInput(f"{path}: no face in any frame", hint="there is nothing to edit")
    geometry = locate(
        found, Crop(), wish, scheme=tracker.scheme, times=times, frame_size=frame_size,
        seen_size=seen,
    )  # fmt: skip
    return replace(geometry, tracker=tracker.name)


def track_of(geometry: Geometry, *, hold: bool = False, in_crops: bool = False) -> FaceTrack:
    """The track that editors read; ``in_crops`` in pixels of the crops instead of the source.

    With ``hold`` the face stays where it was last seen in the frames of its shot that lack it.
    """
    points = np.asarray(geometry.crop_points if in_crops else geometry.points, np.float32)
    valid = np.asarray(geometry.valid, np.bool_)
    if hold:
        points, valid = held(points, valid, np.asarray(geometry.shot))
    return FaceTrack(
        points=points,
        valid=valid,
        shot=np.asarray(geometry.shot),
        times=geometry.times,
        fps=geometry.fps,
        frame_size=geometry.size if in_crops else geometry.frame_size,
        scheme=geometry.scheme,
    )


def held(points: np.ndarray, valid: np.ndarray, shot: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points and validity with each gap filled by the nearest face of the same shot."""
    points, valid = points.copy(), valid.copy()
    for number in np.unique(shot):
        rows = np.flatnonzero(shot == number)
        known = rows[valid[rows]]
        if not len(known) or len(known) == len(rows):
            continue
        nearest = known[np.abs(rows[:, None] - known[None]).argmin(1)]
        points[rows], valid[rows] = points[nearest], True
    return points, valid
