"""Distances between the landmarks of a made clip and of the truth.

All on 68 iBUG points ``(f, 68, 2)`` in pixels, NaN where a frame shows no face. Such frames are
left out on both sides. Every function gives None where no frame is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.faces.geometry import similarity
from lipkit.faces.warping import transform
from lipkit.metrics.ibug import EYE_CORNERS, INNER_LIPS, MOUTH, RIGID

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Pair = tuple[Array, Array]


def truncated(made: Array, truth: Array) -> Pair:
    """Both tracks, cut to the shorter."""
    count = min(len(made), len(truth))
    return made[:count], truth[:count]


def squeezed(made: Array, truth: Array) -> Pair:
    """Both tracks with as many frames as the shorter, picked evenly by index.

    EAT's evaluation (Gan et al., ICCV 2023): whole rows of ``linspace`` without its end.
    """
    count = min(len(made), len(truth))
    rows = [
        np.linspace(0, len(track), count, endpoint=False).astype(int) for track in (made, truth)
    ]
    return made[rows[0]], truth[rows[1]]


def seen(made: Array, truth: Array) -> Pair:
    """The frames of both tracks in which both show a face."""
    both = np.isfinite(made).all((-2, -1)) & np.isfinite(truth).all((-2, -1))
    return made[both], truth[both]


def distance(made: Array, truth: Array) -> float | None:
    """Mean Euclidean distance of points ``(f, k, 2)``."""
    return _mean(np.linalg.norm(made - truth, axis=-1))


def absolute(made: Array, truth: Array) -> float | None:
    """Mean absolute difference of coordinates (ViCo, Zhou et al., ECCV 2022)."""
    return _mean(np.abs(made - truth))


def centred(made: Array, truth: Array) -> float | None:
    """Mean distance of points ``(f, k, 2)`` about the mean of each frame (EAT)."""
    return distance(made - made.mean(-2, keepdims=True), truth - truth.mean(-2, keepdims=True))


def velocity(made: Array, truth: Array) -> float | None:
    """Mean distance of displacements from frame to frame, over the number of all frames (EAT).

    The published code lets the mouth count where the whole face should; this one does not.
    """
    if not len(made):
        return None
    apart = np.linalg.norm(np.diff(made, axis=0) - np.diff(truth, axis=0), axis=-1)
    return float(apart.sum() / made.shape[1] / len(made))


def aligned(made: Array, truth: Array) -> Array:
    """``made (f, 68, 2)`` turned, zoomed and shifted so that nose and eyes lie on the truth's."""
    return transform(made, similarity(made[:, RIGID], truth[:, RIGID]))


def eye_distance(points: Array) -> Array:
    """Distance of the outer eye corners ``(f,)``."""
    left, right = EYE_CORNERS
    return np.asarray(np.linalg.norm(points[:, left] - points[:, right], axis=-1))


def box_side(points: Array) -> Array:
    """Side ``(f,)`` of a square as large as the box around the points."""
    return np.asarray(np.sqrt(np.ptp(points, axis=-2).prod(-1)))


def relative(made: Array, truth: Array, unit: Array) -> float | None:
    """Mean distance of points ``(f, k, 2)`` in units ``(f,)`` of the truth: NME."""
    return _mean(np.linalg.norm(made - truth, axis=-1) / unit[:, None])


def lip_error(made: Array, truth: Array) -> Array:
    """Largest distance of any mouth point ``(f,)``, whose mean square is LVE."""
    apart = np.linalg.norm(made[:, MOUTH] - truth[:, MOUTH], axis=-1)
    return np.asarray(apart.max(-1))


def aperture(points: Array) -> Array:
    """Gap between the inner lips ``(f,)`` over the distance of the outer eye corners."""
    upper, lower = INNER_LIPS
    return np.asarray(
        np.linalg.norm(points[:, upper] - points[:, lower], axis=-1) / eye_distance(points)
    )


def correlation(a: Array, b: Array) -> float | None:
    """Pearson's r of two tracks ``(f,)``; None where one does not vary."""
    if len(a) < 2:
        return None
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / scale) if scale > 1e-12 else None


def centred_scores(made: Array, truth: Array) -> dict[str, float | None]:
    """The four distances of EAT's evaluation on paired frames."""
    made, truth = seen(made, truth)
    return {
        "m_lmd": centred(made[:, MOUTH], truth[:, MOUTH]),
        "f_lmd": centred(made, truth),
        "m_lvd": velocity(made[:, MOUTH], truth[:, MOUTH]),
        "f_lvd": velocity(made, truth),
    }


def scores(made: Array, truth: Array) -> dict[str, float | None]:
    """All distances but EAT's on paired frames."""
    made, truth = seen(made, truth)
    moved, unit = aligned(made, truth), eye_distance(truth)
    largest = lip_error(made, truth)
    gaps = aperture(made), aperture(truth)
    return {
        "lmd": distance(made[:, MOUTH], truth[:, MOUTH]),
        "lmd_face": distance(made, truth),
        "lmd_l1": absolute(made[:, MOUTH], truth[:, MOUTH]),
        "lmd_aligned": distance(moved[:, MOUTH], truth[:, MOUTH]),
        "lmd_aligned_face": distance(moved, truth),
        "nme": relative(made, truth, unit),
        "nme_box": relative(made, truth, box_side(truth)),
        "nme_mouth": relative(made[:, MOUTH], truth[:, MOUTH], unit),
        "lve": _mean(largest**2),
        "lve_root": _mean(largest),
        "lve_iod": _mean((largest / unit) ** 2),
        "aperture_mae": _mean(np.abs(gaps[0] - gaps[1])),
        "aperture_corr": correlation(*gaps),
    }


def _mean(values: Array) -> float | None:
    return float(values.mean()) if values.size else None
