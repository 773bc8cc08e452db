"""Parts of a frame that scores look at, from the landmarks of the face in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.faces.landmarks import semantic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack

    Array = NDArray[Any]
    Box = tuple[slice, slice]

SMALLEST = 16  # pixels a side, below which a region says nothing


def face(points: Array, scheme: str) -> Array:
    """The smallest box x0 y0 x1 y1 around all landmarks: brows or forehead to chin."""
    return np.concatenate([points[:, :2].min(0), points[:, :2].max(0)])


def mouth(points: Array, scheme: str) -> Array:
    """A square about the lips' centre, as wide as the outer eye corners are apart."""
    parts = semantic(points[:, :2], scheme)
    corners = parts.get("left_eye_outer", parts["left_eye"]).mean(0)
    corners = corners - parts.get("right_eye_outer", parts["right_eye"]).mean(0)
    half, centre = np.linalg.norm(corners) / 2, parts["outer_lips"].mean(0)
    return np.concatenate([centre - half, centre + half])


REGIONS: dict[str, tuple[Callable[[Array, str], Array], str]] = {
    "face": (face, "box around the landmarks"),
    "mouth": (mouth, "square about the lips, as wide as the outer eye corners are apart"),
}


def box(region: str, track: FaceTrack, row: int) -> Box | None:
    """Rows and columns of a region in a frame; None where there is no face, or hardly a pixel."""
    if row >= len(track) or not track.valid[row]:
        return None
    found = REGIONS[region][0](track.points[row], track.scheme)
    width, height = track.frame_size
    left, top, right, bottom = np.rint(found).clip(0, [width, height] * 2).astype(int)
    if min(right - left, bottom - top) < SMALLEST:
        return None
    return slice(top, bottom), slice(left, right)
