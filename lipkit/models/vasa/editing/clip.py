"""What a whole clip teaches: poses, the speaker's range, where to edit, open mouths to lend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from lipkit.faces import mesh
from lipkit.models.vasa.editing import fade, skull
from lipkit.models.vasa.editing.donor import (
    BEHIND,
    FINEST,
    Donor,
    Patch,
    inner_outline,
    unwrap,
)
from lipkit.models.vasa.editing.field import mouth_box
from lipkit.models.vasa.editing.lips import Articulation
from lipkit.models.vasa.editing.painted import painted_donor
from lipkit.models.vasa.editing.speech import Spread, own_range
from lipkit.protocols import FaceTrack

Array = NDArray[Any]
Read = Callable[[Sequence[int]], Iterator[Array]]

TURN = 24.0  # degrees of yaw beyond which lips are measured badly
CANDIDATES = 12  # open mouths looked at
USUAL_TURN = 12.0  # degrees of yaw off the usual that halve a frame's chances or worse
OPEN = 0.06  # aperture in IOD of a mouth that shows its inside
MOOD = 1.4  # seconds over which a mouth's own width is kept


@dataclass(frozen=True)
class Study:
    """A clip, understood; arrays ``(f, ...)`` have a row a source frame.

    ``width (f,)`` is the slow part of the mouth's own width in IOD, ``weight (f,)`` how far the
    frame may be edited.
    """

    poses: mesh.FaceFrame
    weight: Array
    width: Array
    own: Spread
    articulation: Articulation
    patch: Patch
    donor: Donor


def study_clip(track: FaceTrack, read: Read) -> Study | None:
    """The clip's study; None for one without a face."""
    valid = np.asarray(track.valid, bool)
    if not valid.any():
        return None
    points, shot, fps = track.points, np.asarray(track.shot), float(track.fps)
    face = skull.mean_face(points, valid)
    pieces = fade.stretches(valid, shot)
    poses = skull.skull_poses(_held(points, valid), face)
    yaw = mesh.euler(poses.rotation)[:, 0]
    weight = fade.weights(valid, shot, yaw, fps)
    frontal = np.flatnonzero(valid & (np.abs(yaw) < TURN))
    rows = frontal if len(frontal) > 1 else np.flatnonzero(valid)
    width = mesh.width(points)
    for start, end in pieces:
        width[start:end] = uniform_filter1d(width[start:end], max(1, round(MOOD * fps)))
    patch = _patch(face, float(np.median(poses.unit[rows])))
    donor = _find_donor(track, rows, poses, patch, face, read)
    return Study(poses, weight, width, own_range(points, rows), Articulation.of(face), patch, donor)


def _held(points: Array, valid: Array) -> Array:
    """Points with rows that mean nothing replaced by meaningful ones."""
    if valid.all():
        return points
    rows = np.flatnonzero(valid)
    return points[rows[np.clip(np.searchsorted(rows, np.arange(len(valid))), 0, len(rows) - 1)]]


def _patch(face: Array, unit: float) -> Patch:
    lip = face[[13, 82, 312]].mean(0)
    origin = np.array([0.5 * lip[0] + 0.5 * face[2, 0], lip[1], lip[2] + BEHIND])
    return Patch(origin, min(unit, FINEST))


def _find_donor(
    track: FaceTrack, rows: Array, poses: mesh.FaceFrame, patch: Patch, face: Array, read: Read
) -> Donor:
    """The open mouth that shows most among frames looked at; a painted one if all are closed."""
    chosen = _open_mouths(track.points, rows, mesh.euler(poses.rotation)[:, 0])
    best: Donor | None = None
    if chosen:
        for row, frame in zip(chosen, read(chosen), strict=True):
            pose = skull.pose_at(poses, row)
            donor = _donor_of(frame[0], track.points[row], pose, patch)
            if donor and (best is None or donor.worth > best.worth):
                best = donor
    if best is None:
        row = int(rows[len(rows) // 2])
        image = as_float(next(iter(read([row])))[0])
        best = painted_donor(image, track.points[row].astype(np.float64), face, patch)
    return best


def _open_mouths(points: Array, rows: Array, yaw: Array) -> list[int]:
    """Frames among ``rows`` that open wide and are turned as usual, ascending."""
    rows = rows[mesh.aperture(points[rows]) > OPEN]
    if not len(rows):
        return []
    area = np.array([_area(mesh.to_local(points[row].astype(np.float64))) for row in rows])
    aside = yaw[rows] - np.median(yaw)
    order = np.argsort(-area * np.exp(-((aside / USUAL_TURN) ** 2)))
    best = rows[order[: max(CANDIDATES, len(rows) // 4)]]
    return sorted(best[:: max(1, len(best) // CANDIDATES)].tolist())


def _area(local: Array) -> float:
    """Area of the mouth's opening in IOD squared."""
    x, y = inner_outline(local).T
    return 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def _donor_of(frame: Array, points: Array, pose: mesh.FaceFrame, patch: Patch) -> Donor | None:
    """The donor that a frame ``(h, w, c)`` makes; None if its mouth is out of view."""
    box = mouth_box(points, float(pose.unit), (frame.shape[1], frame.shape[0]))
    if box is None:
        return None
    corner = np.array([box.x0, box.y0, 0.0])
    inside = as_float(frame[box.slices])
    at = mesh.FaceFrame(pose.rotation, pose.origin - corner, pose.unit)
    return unwrap(inside, points - corner, at, patch)


def as_float(frame: Array) -> Array:
    """Colours ``(h, w, 3)`` as float32 0..255 of a uint8 or uint16 picture, alpha left out."""
    colour = frame[..., :3].astype(np.float32)
    return colour / np.float32(257) if frame.dtype == np.uint16 else colour
