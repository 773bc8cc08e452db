"""Soft masks of mouth, face and head oval from landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.landmarks import SCHEMES, semantic
from lipkit.faces.mesh import OVAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

FINE_BITS = 4  # cv2 takes polygon corners in sixteenths of a pixel


def mask(
    region: str,
    points: Array,
    scheme: str,
    size: tuple[int, int],
    *,
    grow: float = 0.0,
    feather: float = 0.0,
) -> Array:
    """A mask ``(h, w)`` float32 in 0..1 of ``region`` for landmarks ``points (k, 2|3)``.

    Regions: ``mouth`` (lips), ``lower`` (nose to chin), ``face`` (brows to chin) and ``oval``
    (outline). ``grow`` and ``feather`` are in units of the eyes' distance, so they fit any zoom;
    the feather lies inside the grown region, whose rim is zero.
    """
    if region not in REGIONS:
        raise BadInput(f"unknown mask region {region!r}", hint=f"known: {', '.join(REGIONS)}")
    outline = REGIONS[region](points[:, :2].astype(np.float64), scheme)
    unit = eye_distance(points, scheme)
    hard = polygon(outline, size)
    if grow > 0:
        hard = _grown(hard, grow * unit)
    return feathered(hard, feather * unit)


def polygon(outline: Array, size: tuple[int, int]) -> Array:
    """The filled outline ``(k, 2)`` as an anti-aliased mask ``(h, w)`` for ``size (w, h)``."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    corners = np.rint(outline * (1 << FINE_BITS)).astype(np.int32)
    cv2.fillPoly(canvas, [corners], 255, lineType=cv2.LINE_AA, shift=FINE_BITS)
    return canvas.astype(np.float32) / 255


def feathered(hard: Array, width: float) -> Array:
    """A mask that rises smoothly from its rim to one ``width`` pixels further in."""
    if width < 0.5:
        return np.asarray(hard, np.float32)
    depth = cv2.distanceTransform((hard > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip(depth / width, 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


def _grown(hard: Array, width: float) -> Array:
    grown = np.zeros(hard.shape, np.float32)
    rows, columns = (np.flatnonzero((hard >= 0.5).any(axis)) for axis in (1, 0))
    if not len(rows):
        return grown
    reach = int(width) + 2
    part = tuple(slice(max(at[0] - reach, 0), at[-1] + reach + 1) for at in (rows, columns))
    away = cv2.distanceTransform((hard[part] < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    grown[part] = np.clip(width + 0.5 - away, 0, 1) * (away > 0) + (away == 0)
    return grown


def eye_distance(points: Array, scheme: str) -> float:
    """Pixels between the eyes' centres."""
    parts = semantic(points[:, :2], scheme)
    return float(np.linalg.norm(parts["right_eye"].mean(0) - parts["left_eye"].mean(0)))


def _hull(*parts: Array) -> Array:
    corners = cv2.convexHull(np.concatenate(parts).astype(np.float32))
    return np.asarray(corners[:, 0], np.float64)


def _mouth(points: Array, scheme: str) -> Array:
    lips = semantic(points, scheme)["outer_lips"]
    if len(lips) > 2:
        return lips
    # Five-point schemes know the corners only: an ellipse of usual proportions.
    centre, arm = lips.mean(0), (lips[1] - lips[0]) / 2
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)[:, None]
    across = np.array([-arm[1], arm[0]])
    return np.asarray(centre + np.cos(turn) * arm * 1.05 + np.sin(turn) * across * 0.5)


def _lower(points: Array, scheme: str) -> Array:
    parts = _detailed(points, scheme)
    jaw = parts["jaw"]
    third = len(jaw) // 5
    return _hull(jaw[third : len(jaw) - third], parts["nose_tip"], parts["outer_lips"])


def _face(points: Array, scheme: str) -> Array:
    parts = _detailed(points, scheme)
    return _hull(parts["jaw"], parts["left_brow"], parts["right_brow"])


def _oval(points: Array, scheme: str) -> Array:
    if scheme == "mediapipe478":
        return points[list(OVAL)]
    parts = _detailed(points, scheme)
    brows = np.concatenate([parts["left_brow"], parts["right_brow"]])
    # These schemes end at the brows; a forehead is about 0.6 of brow-to-chin further up.
    up = (brows.mean(0) - parts["chin"][0]) * 0.45
    return _hull(parts["jaw"], brows, brows * 0.8 + brows.mean(0) * 0.2 + up)


def _detailed(points: Array, scheme: str) -> dict[str, Array]:
    if "jaw" not in SCHEMES[scheme].groups:
        raise BadInput(f"landmarks of scheme {scheme!r} have no jaw, which this mask needs")
    return semantic(points, scheme)


REGIONS: dict[str, Callable[[Array, str], Array]] = {
    "mouth": _mouth,
    "lower": _lower,
    "face": _face,
    "oval": _oval,
}
