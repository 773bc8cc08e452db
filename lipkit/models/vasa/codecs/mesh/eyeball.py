"""The eyeball behind the lids: its texture beyond the opening, and its turning."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import EYEBALL_RADIUS
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, polygon_mask, smoothstep

Array = NDArray[Any]

IRIS_EDGE, STILL_EDGE = 1.05, 2.3  # iris radii between which the iris' shift dies away
MOST_TURN = 25.0  # degrees
GAZE_GAIN = 1.3  # under lids that stay, the same turn of an eye looks smaller


@dataclass(frozen=True)
class Eyeball:
    """``texture (h, w, 3)`` of the ball as if no lid covered it.

    ``opening (h, w)`` 0..1 is where the lids show it, both over the eye's source box; ``iris (2,)``
    is its centre and ``radius`` its radius in crop pixels.
    """

    texture: Array
    opening: Array
    iris: Array
    radius: float


def build_eyeball(image: Array, shape: FaceShape, rows: mesh.EyeRows, source: Box) -> Eyeball:
    """The eyeball of ``image (h, w, 3)``, its hidden parts filled from those in sight."""
    points = shape.points[:, :2]
    iris = points[rows.iris[0]]
    radius = float(np.linalg.norm(points[list(rows.iris[1:])] - iris, axis=1).mean())
    corner = np.array([source.x0, source.y0])
    photo = np.ascontiguousarray(image[source.slices])
    rim = points[list(rows.upper + rows.lower[-2:0:-1])] - corner
    shape_hw = (source.height, source.width)
    opening = polygon_mask(shape_hw, rim, max(0.5, 0.006 * shape.unit))
    iris = _darkest_disc(photo, opening, iris - corner, radius) + corner
    opening = _with_whole_iris(photo, opening, iris - corner, radius)
    return Eyeball(
        texture=_filled(photo, opening, iris - corner, radius),
        opening=opening,
        iris=iris.astype(np.float32),
        radius=radius,
    )


def _darkest_disc(photo: Array, opening: Array, iris: Array, radius: float) -> Array:
    """The tracked ``iris (2,)`` moved to the nearby disc that is darkest against its surroundings.

    Trackers lag behind irises that look far aside; a shift about a wrong centre would bend them.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), (0, 0), 0.1 * radius + 0.3)
    weight = opening.astype(np.float32)
    reach = int(np.ceil(1.5 * radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y) / radius
    disc, ring = ((distance < 0.9) * 1.0, ((distance > 1.05) & (distance < 1.5)) * 1.0)

    def mean_over(kernel: Array) -> Array:
        total = cv2.filter2D(weight * grey, -1, kernel, borderType=cv2.BORDER_CONSTANT)
        return total / np.maximum(
            cv2.filter2D(weight, -1, kernel, borderType=cv2.BORDER_CONSTANT), 0.08 * kernel.sum()
        )

    rows, columns = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]]
    away = np.hypot(columns - iris[0], rows - iris[1]) / radius
    contrast = (mean_over(ring) - mean_over(disc)) / max(float(grey.mean()), 1.0)
    score = np.where(away < 0.8, contrast - 0.35 * away**2, -np.inf)
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    found = np.array([column, row], np.float64)
    # Whole pixels are coarser than a tracker that is right.
    return found if np.linalg.norm(found - iris) > 0.25 * radius else iris


def _with_whole_iris(photo: Array, opening: Array, iris: Array, radius: float) -> Array:
    """``opening`` and what of the iris' lower half lies just under the tracked lower rim.

    Left out, it would stay behind as a dark crescent when the eye turns up.
    """
    y, x = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]].astype(np.float32)
    distance = np.hypot(x - iris[0], y - iris[1]) / radius
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    disc = (distance < 0.9) & (opening > 0.9)
    under = (distance > 1.1) & (distance < 1.5) & (y > iris[1])
    if not (disc.any() and under.any()):
        return opening
    middle = (float(np.median(grey[disc])) + float(np.median(grey[under]))) / 2
    missed = (distance < 1.08) & (y > iris[1]) & (grey < middle)
    soft = cv2.GaussianBlur(missed.astype(np.float32), (0, 0), max(0.5, 0.12 * radius))
    return np.maximum(opening, np.clip(1.6 * soft, 0, 1))


def _filled(photo: Array, opening: Array, iris: Array, radius: float) -> Array:
    """``photo (h, w, 3)`` with sclera and iris going on behind the lids."""
    seen = opening > 0.9
    reach = max(2, round(1.6 * radius))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    near = cv2.dilate(seen.astype(np.uint8), ellipse) > 0
    y, x = np.mgrid[0 : photo.shape[0], 0 : photo.shape[1]].astype(np.float32)
    distance = np.hypot(x - iris[0], y - iris[1]) / radius
    # The iris itself is kept out of the sclera's fill: its colour must not run into the white.
    hidden = (near & ~(seen & (distance > 1.15))).astype(np.uint8)
    ball = cv2.inpaint(photo, hidden, 3, cv2.INPAINT_TELEA).astype(np.float32)
    disc = smoothstep(1.18 - distance, 0.0, 0.25)[..., None]
    ball = ball * (1 - disc) + _iris_rings(photo, seen, distance) * disc
    shown = opening[..., None]
    return np.clip(photo * shown + ball * (1 - shown) + 0.5, 0, 255).astype(np.uint8)


def _iris_rings(photo: Array, seen: Array, distance: Array) -> Array:
    """The iris as rings of its median colour, from the part in sight, ``(h, w, 3)``."""
    edges = np.linspace(0, 1.2, 13)
    middles, colours = [], []
    for low, high in pairwise(edges):
        ring = seen & (distance >= low) & (distance < high)
        if ring.sum() >= 3:
            middles.append((low + high) / 2)
            colours.append(np.median(photo[ring], 0))
    if not colours:
        return photo.astype(np.float32)
    table = np.array(colours)
    rings = [np.interp(distance, middles, table[:, c]) for c in range(3)]
    return np.dstack(rings).astype(np.float32)


def iris_turn(shape: FaceShape, gaze_x: float, gaze_y: float) -> Array | None:
    """Shift of the irises ``(2,)`` in photo pixels for a gaze in degrees; None for none."""
    if abs(gaze_x) < 0.05 and abs(gaze_y) < 0.05:
        return None
    angles = np.radians(np.clip([gaze_x, gaze_y], -MOST_TURN, MOST_TURN))
    local = GAZE_GAIN * EYEBALL_RADIUS * np.array([*np.sin(angles), 0])
    return (shape.unit * shape.frame.rotation @ local)[:2].astype(np.float32)


def eyeball_shift(ball: Eyeball, at: Array, turn: Array) -> Array:
    """Where on the ball's texture the photo positions ``at (h, w, 2)`` look when it has turned."""
    offset = at - (ball.iris + turn)
    distance = np.sqrt((offset**2).sum(-1)) / ball.radius
    share = 1 - smoothstep(distance, IRIS_EDGE, STILL_EDGE)
    return (at - share[..., None] * turn).astype(np.float32)
