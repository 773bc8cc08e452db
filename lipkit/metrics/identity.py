"""Whether two pictures show the same person: cosines of face embeddings, and how a face is cut.

Embeddings are rows ``(f, d)``; a row of zeros stands for a frame without a face and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.faces.geometry import similarity
from lipkit.faces.landmarks import anchors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

SIDE = 112
# Eyes, nose tip and mouth corners in ArcFace's crop (Deng et al. 2019), pixels of 112 x 112.
TEMPLATE = (
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
    (70.7299, 92.2041),
)  # fmt: skip


def present(embeddings: Array) -> NDArray[np.bool_]:
    """Which rows ``(f,)`` show a face."""
    return np.asarray(np.isfinite(embeddings).all(-1) & (np.abs(embeddings).max(-1) > 0))


def cosines(made: Array, other: Array) -> Array:
    """Cosine ``(f,)`` of each row with ``other (d,)`` or ``(f, d)``; NaN without a face."""
    made, other = made.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(made, axis=-1) * np.linalg.norm(other, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((made * other).sum(-1) / norms)


def of_means(made: Array, other: Array) -> float | None:
    """Cosine of the mean embeddings of two clips; None if one shows no face."""
    kept = [rows[present(rows)].astype(np.float64) for rows in (made, other)]
    if not len(kept[0]) or not len(kept[1]):
        return None
    return float(cosines(kept[0].mean(0), kept[1].mean(0)))


def mean(values: Array) -> float | None:
    """Mean of the cosines ``(f,)`` that are known."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def lowest(values: Array) -> float | None:
    """Smallest of the cosines ``(f,)`` that are known."""
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else None


def mean_angle(values: Array) -> float | None:
    """Mean angle in degrees of cosines ``(f,)``, NaN left out."""
    known = values[np.isfinite(values)]
    return float(np.degrees(np.arccos(np.clip(known, -1, 1))).mean()) if len(known) else None


def alignment(points: Array, scheme: str = "five") -> Array:
    """Matrices ``(..., 2, 3)`` to ArcFace's crop from a picture with these landmarks."""
    five = anchors(np.asarray(points, np.float64), scheme)
    return similarity(five, np.asarray(TEMPLATE))


def aligned(image: Frames, matrix: Array) -> Frames:
    """The face's crop ``(112, 112, 3)``, bilinear, black outside of the picture."""
    return np.asarray(cv2.warpAffine(image, matrix, (SIDE, SIDE)))


def unaligned(image: Frames) -> Frames:
    """The whole picture squeezed to ``(112, 112, 3)``, as in ViCo's evaluation."""
    return np.asarray(cv2.resize(image, (SIDE, SIDE)))
