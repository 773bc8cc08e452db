"""A person in a picture, ready to be moved: face, head and the picture itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.models.vlogger import pose
from lipkit.models.vlogger.controls import Reference, placed, reference_of
from lipkit.models.vlogger.face import Face
from lipkit.models.vlogger.layout import Rows
from lipkit.models.vlogger.material import followed

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Figure:
    """Somebody without expression, and the picture that shows them."""

    neutral: Array  # (478, 3) cm, in the head's frame
    expression: Array  # (e,) that the picture has
    matrix: Array  # (4, 4) of the head in the picture
    reference: Reference

    @property
    def side(self) -> int:
        """Of the picture, in pixels."""
        return len(self.reference.picture)

    def points(self, face: Face, rows: Rows, motion: Array) -> Array:
        """The mesh ``(f, 478, 3)`` in the picture's pixels under ``motion (f, c)``."""
        meshes = face.mesh(self.neutral, motion[:, rows.expression].astype(np.float64))
        turned = self.matrix @ pose.matrices(motion[:, rows.head].astype(np.float64))
        return placed(meshes, turned, self.side)


def figure_of(face: Face, picture: Array, points: Array) -> Figure:
    """The person with mesh ``points (478, 3)`` in a square ``picture (r, r, 3)``, in its pixels."""
    side = len(picture)
    meshes, matrices = followed(points[None], (side, side))
    expression = face.expression(meshes)[0]
    neutral = face.neutral(meshes[0], expression)
    return Figure(neutral, expression, matrices[0], reference_of(picture, points))
