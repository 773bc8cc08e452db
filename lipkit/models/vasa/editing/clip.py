"""What a whole clip teaches: poses, the speaker's range, where to edit, open mouths to lend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from lipkit.faces import mesh
from lipkit.models.vasa.editing import fade, hidden, skull
from lipkit.models.vasa.editing.donor import BEHIND, FINEST, Donor, Patch
from lipkit.models.vasa.editing.lips import Articulation
from lipkit.models.vasa.editing.looking import Read, look_through, open_mouths
from lipkit.models.vasa.editing.lower import cut_out
from lipkit.models.vasa.editing.painted import painted_donor
from lipkit.models.vasa.editing.speech import Spread, own_range
from lipkit.protocols import FaceTrack

Array = NDArray[Any]

TURN = 24.0  # degrees of yaw beyond which lips are measured badly
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
    points, fps = track.points, float(track.fps)
    valid = np.array(track.valid, bool)
    valid[valid] = hidden.plausible(points if valid.all() else points[valid])
    if not valid.any():
        return None
    shot = np.asarray(track.shot)
    face = skull.mean_face(points, valid)
    poses = skull.skull_poses(_held(points, valid), face)
    yaw = mesh.euler(poses.rotation)[:, 0]
    frontal = np.flatnonzero(valid & (np.abs(yaw) < TURN))
    rows = frontal if len(frontal) > 1 else np.flatnonzero(valid)
    patch = _patch(face, float(np.median(poses.unit[rows])))
    looks, mouths = hidden.looks(valid, fps), open_mouths(points, rows, yaw)
    seen = look_through(points, poses, patch, looks, mouths, read)
    covered = hidden.hidden_frames(seen.tints, len(valid))
    shown = rows[~covered[rows]] if not covered[rows].all() else rows
    donors = [donor for row, donor in seen.donors.items() if not covered[row]]
    if donors:
        donor = max(donors, key=lambda donor: donor.worth)
    else:
        donor = _painted(points, shown, poses, face, patch, read)
    if donor is None:
        return None
    return Study(
        poses=poses,
        weight=fade.weights(valid & ~covered, shot, yaw, fps),
        width=_calm_width(points, fade.stretches(valid, shot), fps),
        own=own_range(points, shown),
        articulation=Articulation.of(face),
        patch=patch,
        donor=donor,
    )


def _held(points: Array, valid: Array) -> Array:
    """Points with rows that mean nothing replaced by meaningful ones."""
    if valid.all():
        return points
    rows = np.flatnonzero(valid)
    return points[rows[np.clip(np.searchsorted(rows, np.arange(len(valid))), 0, len(rows) - 1)]]


def _patch(face: Array, unit: float) -> Patch:
    """Where open mouths are kept, for frames with ``unit`` pixels an IOD."""
    lip = face[[13, 82, 312]].mean(0)
    origin = np.array([0.5 * lip[0] + 0.5 * face[2, 0], lip[1], lip[2] + BEHIND])
    return Patch(origin, min(unit, FINEST))


def _calm_width(points: Array, pieces: list[tuple[int, int]], fps: float) -> Array:
    """The slow part of the mouth's width ``(f,)``, each of ``pieces`` of the clip by itself."""
    width = np.zeros(len(points))
    for start, end in pieces:
        seen = mesh.width(points[start:end])
        width[start:end] = uniform_filter1d(seen, max(1, round(MOOD * fps)))
    return width


def _painted(
    points: Array, rows: Array, poses: mesh.FaceFrame, face: Array, patch: Patch, read: Read
) -> Donor | None:
    """A painted mouth in the tones of a frame among ``rows``; None if none shows its mouth."""
    row = int(rows[len(rows) // 2])
    lower = cut_out(next(iter(read([row])))[0], points[row], skull.pose_at(poses, row))
    return None if lower is None else painted_donor(lower, face, patch)
