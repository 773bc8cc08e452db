"""Eyelids: skin that slides along columns across the eye.

Everything is defined in the photo. A lid's column is stretched piecewise between a few rows that
follow its rim by fixed shares, so the inverse needs no iteration and a lid cannot leave its eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import Box, smoothstep

Array = NDArray[Any]

RIM_LIFT = 0.022  # IOD; the tracked upper rim often lies on the iris: lid skin starts above it
OVERLAP = 0.012  # IOD that a closed lid goes past the lower rim
LOWER_RISES = 0.18  # of the opening, the lower lid's part in closing it
# Shares of the rim's travel, from the row that stays to the rim.
UPPER_FOLLOWS = (0.0, 0.33, 0.97, 1.0)  # brow, crease, lash band, rim
LOWER_FOLLOWS = (0.0, 0.55, 1.0)  # a line on the cheek, lash row, rim
CHEEK_LINE = 0.16  # IOD below the lower rim
BROW_CLEAR = 0.25  # of the way to the crease stays still below the tracked brow: its hair does
LASH_WIDTH = 0.009  # IOD
LASH_TONE = np.array([0.35, 0.30, 0.28])  # RGB over the lid's: a lash line is dark and warm
BEYOND = 0.35  # eye lengths that the lids' motion may reach past the corners
SAMPLES = 96  # columns
SKIN_BLUR = 0.035  # IOD along the lid: stretched skin shows streaks without


@dataclass(frozen=True)
class Lid:
    """One eyelid over its eye's source box; positions are crop pixels.

    ``towards (2,)`` is the direction in which it closes and ``height (h, w)`` each pixel's place
    along it; ``knots (k, h, w)`` the heights of the rows in its column, which follow the ``travel
    (h, w)`` of the rim by the shares ``follows``. ``cover`` masks its skin, ``lash`` its lash line,
    ``skin (h, w, 3)`` is the photo blurred along the lid, ``line (3,)`` the lash line's colour.
    """

    towards: Array
    height: Array
    knots: Array
    follows: tuple[float, ...]
    travel: Array
    cover: Array
    lash: Array
    skin: Array
    line: Array


def _columns(shape: FaceShape, rows: mesh.EyeRows, brow: tuple[int, ...], axes: Array) -> Array:
    """Heights ``(6, n)`` in pixels below the left corner, over ``SAMPLES`` columns of the eye.

    Rows: brow, crease, lash band, upper rim, lower rim, lower lash row.
    """
    origin = shape.points[rows.upper[0], :2]
    length = np.linalg.norm(shape.points[rows.upper[-1], :2] - origin)
    places = np.linspace(-BEYOND, 1 + BEYOND, SAMPLES) * length
    lines = []
    for row in (brow, rows.upper_crease, rows.upper_lash, rows.upper, rows.lower, rows.lower_lash):
        along = (shape.points[list(row), :2] - origin) @ axes.T
        along = along[np.argsort(along[:, 0])]
        lines.append(np.interp(places, along[:, 0], along[:, 1]))
    return np.stack(lines)


def _smooth(line: Array, columns: float) -> Array:
    return cv2.GaussianBlur(line[None].astype(np.float32), (0, 0), columns)[0]


def _lid_knots(lines: Array, unit: float) -> tuple[Array, Array, Array]:
    """Knots of the upper ``(4, n)`` and of the lower lid ``(3, n)``, and the opening ``(n,)``."""
    brow, crease, lash, upper, lower, lower_lash = lines
    inside = np.clip(np.linspace(-BEYOND, 1 + BEYOND, SAMPLES), 0, 1)
    rim = upper - RIM_LIFT * unit * np.sin(np.pi * inside) ** 0.5
    least = 0.008 * unit
    band = np.minimum(upper + 0.45 * (lash - upper), rim - least)
    crease = np.minimum(crease, band - 2 * least)
    brow = np.minimum(brow + BROW_CLEAR * (crease - brow), crease - 4 * least)
    lash_row = np.maximum(lower_lash, lower + 2 * least)
    cheek = np.maximum(lower + CHEEK_LINE * unit, lash_row + 4 * least)
    opening = np.clip(lower - upper, 0, None)
    return np.stack([brow, crease, band, rim]), np.stack([cheek, lash_row, lower]), opening


def build_lids(image: Array, shape: FaceShape, side: int, source: Box) -> tuple[Lid, Lid]:
    """Lower and upper lid (in drawing order) of an eye of ``image (h, w, 3)``."""
    rows = mesh.EYES[side]
    brow = (mesh.LEFT_BROW, mesh.RIGHT_BROW)[side][5:]  # its lower edge
    first, last = shape.points[[rows.upper[0], rows.upper[-1]], :2]
    length, unit = float(np.linalg.norm(last - first)), shape.unit
    right = (last - first) / length
    axes = np.array([right, [-right[1], right[0]]])
    upper, lower, opening = _lid_knots(_columns(shape, rows, brow, axes), unit)
    wide = SAMPLES / (1 + 2 * BEYOND)
    # Past the corners the lids' motion dies away slowly: a rim held fast there would fold.
    share = _smooth(opening, 0.09 * wide)
    share *= opening.max() / max(float(share.max()), 1e-3)
    reach = opening.max() + (RIM_LIFT + OVERLAP) * unit
    travel = share * reach / max(float(opening.max()), 1e-3)
    place, height = np.moveaxis((source.pixels - first) @ axes.T, -1, 0)
    column = (np.clip(place / length, -BEYOND, 1 + BEYOND) + BEYOND) / (1 + 2 * BEYOND)
    over = _Over(column * (SAMPLES - 1), height, axes[1], place / length, unit)
    photo = np.ascontiguousarray(image[source.slices])
    skin = cv2.GaussianBlur(photo, (0, 0), SKIN_BLUR * unit, sigmaY=max(0.3, 0.004 * unit))
    risen = LOWER_RISES * share
    return (
        over.lid(lower, LOWER_FOLLOWS, risen, skin, closes_down=False),
        over.lid(upper, UPPER_FOLLOWS, travel - risen, skin, closes_down=True),
    )


@dataclass(frozen=True)
class _Over:
    """Where each pixel of a source box lies: its column, height, and share of the eye's length."""

    column: Array
    height: Array
    down: Array
    share: Array
    unit: float

    def at(self, line: Array) -> Array:
        """Values of a row ``(n,)`` over the columns of all pixels, ``(h, w)``."""
        flat = np.interp(self.column.ravel(), np.arange(len(line)), line)
        return flat.reshape(self.column.shape).astype(np.float32)

    def lid(
        self,
        knots: Array,
        follows: tuple[float, ...],
        travel: Array,
        skin: Array,
        *,
        closes_down: bool,
    ) -> Lid:
        """The lid with these rows; ``closes_down`` tells the upper one."""
        sign = 1.0 if closes_down else -1.0
        height = (sign * self.height).astype(np.float32)
        over = np.stack([self.at(sign * knot) for knot in knots])
        soft = max(0.7, 0.008 * self.unit)
        distance = (height - over[-1]) / (LASH_WIDTH * self.unit + 0.3)
        fold = (height > over[-3]) & (height < over[-1]) & (self.share > 0) & (self.share < 1)
        tone = np.median(skin[fold], 0) if fold.any() else np.full(3, 128.0)
        within = smoothstep(self.share, -0.02, 0.1) * smoothstep(1 - self.share, -0.02, 0.1)
        return Lid(
            towards=(sign * self.down).astype(np.float32),
            height=height,
            knots=over,
            follows=follows,
            travel=self.at(travel),
            cover=smoothstep(over[-1] - height, -soft, soft).astype(np.float32),
            lash=(within * np.exp(-(distance**2)) * closes_down).astype(np.float32),
            skin=skin,
            line=(tone * LASH_TONE).astype(np.uint8),
        )


def lid_slide(lid: Lid, closing: float) -> tuple[Array, Array]:
    """How far along ``towards`` each position comes from, in pixels, and how much it is stretched.

    Both ``(h, w)``; ``closing`` is the share 0..1 of the lid's whole travel.
    """
    moved = [
        knot + closing * share * lid.travel
        for knot, share in zip(lid.knots, lid.follows, strict=True)
    ]
    slide = np.where(lid.height >= moved[-1], lid.knots[-1] - moved[-1], 0).astype(np.float32)
    stretch = np.ones_like(slide)
    for i in range(len(moved) - 1):
        length = np.maximum(moved[i + 1] - moved[i], 1e-3)
        was = lid.knots[i + 1] - lid.knots[i]
        within = (lid.height >= moved[i]) & (lid.height < moved[i + 1])
        came = lid.knots[i] + (lid.height - moved[i]) / length * was
        slide = np.where(within, came - lid.height, slide)
        stretch = np.where(within, length / np.maximum(was, 1e-3), stretch)
    return slide, stretch
