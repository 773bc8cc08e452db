"""Landmark numberings of the trackers, and one vocabulary of face parts over all of them.

*Left* is the picture's left, so ``left_eye`` is the eye nearer the left border of an unmirrored,
upright portrait (the person's right one). Rows run from image-left to image-right; closed contours
start at the image-left corner and go over the top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces import mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS = (
    "left_brow", "right_brow", "left_eye", "right_eye", "nose", "outer_lips", "inner_lips", "jaw",
    "left_eye_outer", "left_eye_inner", "right_eye_inner", "right_eye_outer",
    "nose_tip", "mouth_left", "mouth_right", "chin",
)  # fmt: skip


@dataclass(frozen=True)
class Scheme:
    """A landmark numbering: how many points, and which of them make up each part of the face.

    ``groups`` maps a name of ``PARTS`` to point indices; a coarse scheme lacks some parts.
    ``triple`` holds the left brow, right brow and nose whose means LatentSync's template expects.
    """

    count: int
    groups: dict[str, tuple[int, ...]] = field(repr=False)
    triple: tuple[tuple[int, ...], ...] = ()


def _contour(upper: tuple[int, ...], lower: tuple[int, ...]) -> tuple[int, ...]:
    """A closed contour from an upper and a lower row that share both corners."""
    return upper + lower[-2:0:-1]


def _mediapipe() -> Scheme:
    groups = {
        "left_brow": mesh.LEFT_BROW,
        "right_brow": mesh.RIGHT_BROW,
        "left_eye": _contour(mesh.LEFT_EYE.upper, mesh.LEFT_EYE.lower),
        "right_eye": _contour(mesh.RIGHT_EYE.upper, mesh.RIGHT_EYE.lower),
        "nose": mesh.NOSE,
        "outer_lips": _contour(mesh.UPPER_LIP_ROWS[3], mesh.LOWER_LIP_ROWS[3]),
        "inner_lips": _contour(mesh.UPPER_LIP_ROWS[0], mesh.LOWER_LIP_ROWS[0]),
        "jaw": mesh.JAW,
        "left_eye_outer": (33,),
        "left_eye_inner": (133,),
        "right_eye_inner": (362,),
        "right_eye_outer": (263,),
        "nose_tip": (1,),
        "mouth_left": (61,),
        "mouth_right": (291,),
        "chin": (152,),
    }
    # InsightFace's brow rows, lower bridge, tip and wings of the nose, found on the mesh.
    triple = (mesh.LEFT_BROW[:5], mesh.RIGHT_BROW[:5], (195, 4, 129, 358))
    return Scheme(mesh.POINTS, groups, triple)


def _dlib() -> Scheme:
    groups = {
        "left_brow": tuple(range(17, 22)),
        "right_brow": tuple(range(22, 27)),
        "left_eye": tuple(range(36, 42)),
        "right_eye": tuple(range(42, 48)),
        "nose": tuple(range(27, 36)),
        "outer_lips": tuple(range(48, 60)),
        "inner_lips": tuple(range(60, 68)),
        "jaw": tuple(range(17)),
        "left_eye_outer": (36,),
        "left_eye_inner": (39,),
        "right_eye_inner": (42,),
        "right_eye_outer": (45,),
        "nose_tip": (30,),
        "mouth_left": (48,),
        "mouth_right": (54,),
        "chin": (8,),
    }
    triple = (groups["left_brow"], groups["right_brow"], groups["nose"])
    return Scheme(68, groups, triple)


def _insightface() -> Scheme:
    jaw = (1, *range(9, 17), *range(2, 9), 0, *range(24, 17, -1), *range(32, 24, -1), 17)
    groups = {
        "left_brow": (43, 48, 49, 51, 50),
        "right_brow": (102, 103, 104, 105, 101),
        "left_eye": (35, 41, 40, 42, 39, 37, 33, 36),
        "right_eye": (89, 95, 94, 96, 93, 91, 87, 90),
        "nose": (72, 73, 74, 86, 77, 78, 79, 80, 85, 84, 83),
        "outer_lips": (52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55),
        "inner_lips": (65, 66, 62, 70, 69, 57, 60, 54),
        "jaw": jaw,
        "left_eye_outer": (35,),
        "left_eye_inner": (39,),
        "right_eye_inner": (89,),
        "right_eye_outer": (93,),
        "nose_tip": (86,),
        "mouth_left": (52,),
        "mouth_right": (61,),
        "chin": (0,),
    }
    triple = ((43, 48, 49, 51, 50), (101, 102, 103, 104, 105), (74, 77, 83, 86))
    return Scheme(106, groups, triple)


def _five() -> Scheme:
    groups = {
        "left_eye": (0,),
        "right_eye": (1,),
        "nose": (2,),
        "nose_tip": (2,),
        "outer_lips": (3, 4),
        "mouth_left": (3,),
        "mouth_right": (4,),
    }
    return Scheme(5, groups)


SCHEMES = {
    "mediapipe478": _mediapipe(),
    "dlib68": _dlib(),
    "insightface106": _insightface(),
    "five": _five(),
}


def semantic(points: NDArray[Any], scheme: str) -> dict[str, NDArray[Any]]:
    """The points of each part of the face ``{part: (..., k, 2|3)}`` of ``points (..., n, 2|3)``."""
    groups = SCHEMES[scheme].groups
    return {name: points[..., list(rows), :] for name, rows in groups.items()}


def anchors(points: NDArray[Any], scheme: str) -> NDArray[Any]:
    """Eye centres, nose tip and mouth corners ``(..., 5, 2)``, which every scheme can tell."""
    parts = semantic(points[..., :2], scheme)
    rows = (parts["left_eye"], parts["right_eye"], parts["nose_tip"])
    corners = (parts["mouth_left"], parts["mouth_right"])
    return np.stack([part.mean(-2, dtype=np.float64) for part in rows + corners], -2)


def triple(points: NDArray[Any], scheme: str) -> NDArray[Any]:
    """Means of left brow, right brow and nose ``(..., 3, 2)``, LatentSync's alignment points."""
    rows = SCHEMES[scheme].triple
    if not rows:
        raise BadInput(
            f"landmarks of scheme {scheme!r} have no brows, which this template needs",
            hint="use --template square",
        )
    means = [points[..., list(row), :2].mean(-2, dtype=np.float64) for row in rows]
    return np.stack(means, -2)


def scheme_of(count: int) -> str:
    """The scheme with ``count`` points; the iris-free FaceMesh of 468 counts as FaceMesh."""
    if count == mesh.POINTS - 10:
        return "mediapipe478"
    for name, scheme in SCHEMES.items():
        if scheme.count == count:
            return name
    known = ", ".join(f"{scheme.count} ({name})" for name, scheme in SCHEMES.items())
    raise BadInput(f"{count} landmarks a face fit no known scheme", hint=f"known: {known}")
