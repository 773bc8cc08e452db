"""One pass over some frames of a clip: what their mouths look like, and mouths to lend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.editing.donor import Donor, Patch, inner_outline, unwrap
from lipkit.models.vasa.editing.hidden import lip_tint
from lipkit.models.vasa.editing.lower import cut_out
from lipkit.models.vasa.editing.skull import pose_at

Array = NDArray[Any]
Read = Callable[[Sequence[int]], Iterator[Array]]

CANDIDATES = 12  # open mouths looked at
USUAL_TURN = 12.0  # degrees of yaw off the usual, which cost an open mouth most of its worth
OPEN = 0.06  # aperture in IOD of a mouth that shows its inside


@dataclass(frozen=True)
class Seen:
    """By frame number: ``tints (3,)`` of lips, and ``donors``."""

    tints: dict[int, Array] = field(default_factory=dict)
    donors: dict[int, Donor] = field(default_factory=dict)


def open_mouths(points: Array, rows: Array, yaw: Array) -> list[int]:
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


def look_through(
    points: Array,
    poses: mesh.FaceFrame,
    patch: Patch,
    looks: Sequence[int],
    mouths: Sequence[int],
    read: Read,
) -> Seen:
    """Tints of the frames ``looks`` and donors of the frames ``mouths``, each frame read once."""
    seen = Seen()
    rows = sorted({*looks, *mouths})
    for row, frame in zip(rows, read(rows), strict=True):
        lower = cut_out(frame[0], points[row], pose_at(poses, row))
        if lower is None:
            continue
        if row in looks:
            seen.tints[row] = lip_tint(lower.image, lower.points, float(lower.pose.unit))
        donor = unwrap(lower, patch) if row in mouths else None
        if donor:
            seen.donors[row] = donor
    return seen
