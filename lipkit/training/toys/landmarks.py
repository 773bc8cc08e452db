"""The 68 points of a cartoon's face, in dlib's numbering."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.training.toys.anatomy import Head, lids_of, lips_of
from lipkit.training.toys.identities import identity
from lipkit.training.toys.motion import State
from lipkit.training.toys.shapes import Patch

Array = NDArray[Any]

BRIDGE = ((-0.02, 0.06), (0.06, 0.1), (0.14, 0.15), (0.22, 0.2))  # y and height of the nose
WINGS = (-0.13, -0.065, 0.0, 0.065, 0.13)


def landmarks(head: Head) -> NDArray[np.float32]:
    """Points ``(68, 2)`` in pixels, in the scheme ``dlib68``."""
    parts = [
        _jaw(head),
        *(_brow(head, side) for side in (-1, 1)),
        _nose(head),
        *(_eye(head, side) for side in (-1, 1)),
        _lips(head),
    ]
    return np.concatenate(parts).astype(np.float32)


def points_of(number: int, motion: Array, size: int) -> NDArray[np.float32]:
    """Points ``(f, 68, 2)`` of person ``number`` under ``motion (f, c)``, in square pictures."""
    person = identity(number)
    rows = [landmarks(Head(person, State.of(row), (size, size))) for row in motion]
    return np.stack(rows) if rows else np.zeros((0, 68, 2), np.float32)


def _placed(patch: Patch, u: Array, v: Array) -> Array:
    return np.stack([u, v], -1) @ patch.axes.T + patch.origin


def _jaw(head: Head) -> Array:
    """From ear to ear by way of the chin, on the rim that faces the camera."""
    skull = head.person.skull
    angle = np.linspace(0, np.pi, 17)
    low = np.sin(angle)
    half = skull.width + (skull.jaw_width - skull.width) * low
    chin = skull.jaw_drop + skull.jaw_height + head.drop
    return head.project(np.stack([-half * np.cos(angle), chin * low, -0.3 * low], -1))


def _brow(head: Head, side: int) -> Array:
    u = np.linspace(-1.15, 1.15, 5) * head.person.eyes.width
    return _placed(head.brow(side), u, head.brow_curve(u.astype(np.float32), side))


def _nose(head: Head) -> Array:
    y, before = np.array(BRIDGE).T
    bridge = np.stack([0 * y, y, head.surface(0 * y, y) - before], -1)
    x = np.array(WINGS) * head.person.looks.nose_size
    below = np.full(5, 0.29)
    wings = np.stack([x, below, head.surface(x, below) - 0.14 * (1 - np.abs(x) / 0.2)], -1)
    return head.project(np.concatenate([bridge, wings]))


def _eye(head: Head, side: int) -> Array:
    """Outer or inner corner at image-left, over the top to the right one, back along the bottom."""
    state = head.state
    lids = lids_of(head.person, state.blink_left if side < 0 else state.blink_right, side)
    u = np.array([-1, -0.4, 0.4, 1, 0.4, -0.4]) * lids.half
    above = lids.curve(u.astype(np.float32), lids.top)
    below = lids.curve(u.astype(np.float32), lids.bottom)
    return _placed(head.eye(side), u, np.where(np.arange(6) < 4, above, below))


def _lips(head: Head) -> Array:
    lips = lips_of(head.person, head.state)
    u = np.array([-1, -0.62, -0.28, 0, 0.28, 0.62, 1, 0.62, 0.28, 0, -0.28, -0.62]) * lips.half
    top, bottom = lips.outside(u.astype(np.float32))
    outer = np.where(np.arange(12) < 7, top, bottom)
    k = np.array([-1, -0.4, 0, 0.4, 1, 0.4, 0, -0.4]) * lips.inner
    top, bottom = lips.inside(k.astype(np.float32))
    inner = np.where(np.arange(8) < 5, top, bottom)
    return np.concatenate([_placed(head.mouth, u, outer), _placed(head.mouth, k, inner)])
