"""A cartoon's face as the tracked mesh of a real one: 478 points in MediaPipe's numbering.

Lips, lids, brows, irises, nose and outline lie exactly where they are drawn; between them the
canonical face is bent like a rubber sheet. What learns from meshes can so learn from cartoons.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from lipkit.faces.canonical import VERTICES, canonical
from lipkit.faces.mesh import (
    EYES,
    LEFT_BROW,
    LEFT_CORNER,
    LOWER_LIP_ROWS,
    OVAL,
    POINTS,
    RIGHT_BROW,
    RIGHT_CORNER,
    UPPER_LIP_ROWS,
)
from lipkit.training.toys.anatomy import Head, lids_of, lips_of
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import State

Array = NDArray[Any]
Floats = NDArray[np.float32]

RIDGE = (168, 6, 197, 195, 5, 4, 1)  # of the nose, downwards
RIDGE_ENDS = (0.02, 0.27)  # from eyes to tip
RIDGE_HEIGHT = (0.08, 0.22)
BACK = -0.3  # depth of the outline at its lowest, as the landmarks' jaw has it
ROWS = len(UPPER_LIP_ROWS)
BROW = 5  # points of a brow's edge


def mesh_of(number: int, motion: Array, size: int) -> Floats:
    """Points ``(f, 478, 3)`` in pixels of person ``number`` under ``motion (f, c)``.

    As a tracker gives them: depth grows away from the camera.
    """
    person = identity(number)
    rows = [_seen(Head(person, State.of(row), (size, size))) for row in motion]
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, POINTS, 3), np.float32)


def _seen(head: Head) -> Array:
    points = shape_of(head)
    depth = points @ head.turn[2] * head.zoom
    return np.concatenate([head.project(points), depth[:, None]], 1)


def shape_of(head: Head) -> Array:
    """The points ``(478, 3)`` in the head's own axes."""
    placed = handles_of(head)
    base, spread = resting(), bending()
    points = np.empty((POINTS, 3))
    chosen = list(handles())
    points[:VERTICES] = base + spread @ (placed - base[chosen])
    for side, eye in zip((-1, 1), EYES, strict=True):
        points[list(eye.iris)] = _iris(head, side)
    return points


@cache
def handles() -> tuple[int, ...]:
    """The vertices whose place is known, in the order of `handles_of`."""
    lips = [k for row in (*UPPER_LIP_ROWS, *(r[1:-1] for r in LOWER_LIP_ROWS)) for k in row]
    lids = [k for eye in EYES for k in (*eye.upper, *eye.lower[1:-1])]
    return (*lips, *lids, *LEFT_BROW, *RIGHT_BROW, *OVAL, *RIDGE)


def handles_of(head: Head) -> Array:
    """Their places ``(n, 3)``."""
    lids = [_lids(head, side) for side in (-1, 1)]
    brows = [_brow(head, side) for side in (-1, 1)]
    return np.concatenate([_lips(head), *lids, *brows, _outline(head), _ridge(head)])


@cache
def resting() -> Array:
    """The canonical face ``(468, 3)`` in a cartoon's axes and unit, eyes at height 0."""
    face = canonical().vertices
    corners = face[[LEFT_CORNER, RIGHT_CORNER]]
    unit = np.linalg.norm(corners[1] - corners[0])
    return np.asarray((face - [0, corners[0, 1], 0]) * [1, -1, -1] / unit)


@cache
def bending() -> Array:
    """How far each vertex follows each handle ``(468, n)``: a harmonic function over the mesh."""
    triangles, chosen = canonical().triangles, np.array(handles())
    start = triangles[:, [0, 1, 2, 1, 2, 0]].ravel()
    end = triangles[:, [1, 2, 0, 0, 1, 2]].ravel()
    near = coo_matrix((np.ones(len(start)), (start, end)), (VERTICES, VERTICES)).tocsr()
    near.data[:] = 1
    laplace = (diags(np.asarray(near.sum(1)).ravel()) - near).tocsc()
    free = np.setdiff1d(np.arange(VERTICES), chosen)
    spread = np.zeros((VERTICES, len(chosen)))
    spread[chosen, np.arange(len(chosen))] = 1
    inner, outer = laplace[free][:, free], laplace[free][:, chosen]
    spread[free] = splu(inner.tocsc()).solve(-outer.toarray())
    return spread


def _on(plane: tuple[Array, Array], u: Array, v: Array) -> Array:
    """Points ``(n, 3)`` of a plane of the head."""
    origin, axes = plane
    return np.asarray(origin + np.stack([u, v], -1) @ axes.T)


def _lips(head: Head) -> Array:
    """The rows of the upper lip from inside out, then those of the lower one without corners."""
    lips, plane = lips_of(head.person, head.state), head.plane(*head.mouth_place)
    across = np.linspace(-1, 1, len(UPPER_LIP_ROWS[0]), dtype=np.float32)
    inner, outer = across * lips.inner, across * lips.half
    edges = zip(lips.inside(inner), lips.outside(outer), strict=True)
    upper, lower = (
        [
            _on(plane, inner + k * (outer - inner), near + k * (far - near))
            for k in np.arange(ROWS) / (ROWS - 1)
        ]
        for near, far in edges
    )
    return np.concatenate([*upper, *(row[1:-1] for row in lower)])


def _lids(head: Head, side: int) -> Array:
    state = head.state
    lids = lids_of(head.person, state.blink_left if side < 0 else state.blink_right, side)
    u = np.linspace(-1, 1, len(EYES[0].upper), dtype=np.float32) * lids.half
    plane = head.plane(*head.eye_place(side))
    above = _on(plane, u, lids.curve(u, lids.top))
    return np.concatenate([above, _on(plane, u, lids.curve(u, lids.bottom))[1:-1]])


def _brow(head: Head, side: int) -> Array:
    """The upper edge from the outer end inwards, then the lower one back."""
    eyes = head.person.eyes
    u = (side * np.linspace(1.15, -1.15, BROW) * eyes.width).astype(np.float32)
    middle, plane = head.brow_curve(u, side), head.plane(*head.brow_place(side))
    if side > 0:  # this row begins at the inner end
        u, middle = u[::-1], middle[::-1]
    above = _on(plane, u, middle - eyes.brow_width)
    return np.concatenate([above, _on(plane, u, middle + eyes.brow_width)[::-1]])


def _outline(head: Head) -> Array:
    """Around the face, from the hairline clockwise."""
    skull, base = head.person.skull, resting()[list(OVAL)]
    angle = np.arctan2(base[:, 1], base[:, 0])
    low = np.sin(angle).clip(0, None)
    half = skull.width + (skull.jaw_width - skull.width) * low
    chin = skull.jaw_drop + skull.jaw_height + head.drop
    top = -head.person.looks.hairline
    height = np.where(angle > 0, chin, top) * np.sin(angle)
    return np.stack([half * np.cos(angle), height, BACK * np.abs(np.sin(angle))], 1)


def _ridge(head: Head) -> Array:
    y = np.linspace(*RIDGE_ENDS, len(RIDGE))
    before = np.linspace(*RIDGE_HEIGHT, len(RIDGE))
    return np.stack([0 * y, y, head.surface(0 * y, y) - before], 1)


def _iris(head: Head, side: int) -> Array:
    """The middle, then the rim to the right, above, to the left and below."""
    x, y = head.gaze_place(side)
    radius = head.person.eyes.iris
    u = x + radius * np.array([0, 1, 0, -1, 0])
    v = y + radius * np.array([0, 0, -1, 0, 1])
    return _on(head.plane(*head.eye_place(side)), u, v)
