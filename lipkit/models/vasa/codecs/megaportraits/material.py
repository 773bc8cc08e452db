"""What the codec learns from: pairs of frames of a take, each with its matte and its pose."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.errors import BadInput
from lipkit.faces.mediapipe import person_matte
from lipkit.models.vasa.codecs.megaportraits.pose import UNIT, poses_of
from lipkit.training.data import Footage
from lipkit.training.toys.anatomy import RISE
from lipkit.training.toys.anatomy import UNIT as TOY_UNIT
from lipkit.training.toys.drawing import LABELS
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.takes import Toy

Array = NDArray[Any]

KEPT = 512 << 20  # bytes of frames that stay in memory
TRIES = 1000
HEAD = [LABELS.index("face"), LABELS.index("hair")]
ANGLES = [INDEX[name] for name in ("yaw", "pitch", "roll")]
SHIFTS = [INDEX[name] for name in ("x", "y")]


@lru_cache(256)
def poses(take: Footage, size: int) -> Array:
    """Poses ``(f, 7)`` of a take's heads in its own pictures of ``size`` pixels."""
    if isinstance(take, Toy):
        return toy_poses(take.motion)
    return poses_of(take.points, take.scheme, size)


def toy_poses(motion: Array) -> Array:
    """Poses ``(f, 7)`` of cartoons that move so."""
    shift = 2 * TOY_UNIT * motion[:, SHIFTS] + (0, 2 * RISE)
    size = (1 + motion[:, [INDEX["scale"]]]) * 2 * TOY_UNIT / UNIT
    rows = [np.radians(motion[:, ANGLES]), shift, np.zeros((len(motion), 1)), size]
    return np.concatenate(rows, 1).astype(np.float32)


@lru_cache(2)
def stills(size: int) -> Stills:
    """The stills of that size, which the stages share."""
    return Stills(size)


class Stills:
    """Single frames of takes with their mattes; those asked for lately stay in memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.frame = lru_cache(KEPT // (4 * size * size))(self._frame)

    def _frame(self, take: Footage, row: int) -> Array:
        """Frame ``row`` and its matte ``(size, size, 4)`` uint8."""
        if isinstance(take, Toy):
            (picture,), (labels,) = take.labelled(row, row + 1)
            matte = labels[..., HEAD].max(-1)
        else:
            picture = take.pictures(row, row + 1)[0]
            matte = np.rint(255 * person_matte(picture)).astype(np.uint8)
        both = np.concatenate([picture, matte[..., None]], -1)
        if both.shape[:2] == (self.size, self.size):
            return both
        way = cv2.INTER_AREA if both.shape[0] > self.size else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(both, (self.size, self.size), interpolation=way))

    def pairs(self, takes: Sequence[Footage], rng: np.random.Generator, count: int) -> Tensor:
        """Two frames of each of ``count`` takes ``(b, 2, 4, s, s)`` uint8, source and driver."""
        found: list[Array] = []
        order = self.chosen(takes, rng, count)
        for take in order:
            rows = rng.choice(np.flatnonzero(take.valid), 2, replace=False)
            found.append(np.stack([self.frame(take, int(row)) for row in rows]))
        return torch.from_numpy(np.stack(found)).movedim(-1, 2).contiguous()

    def chosen(
        self, takes: Sequence[Footage], rng: np.random.Generator, count: int
    ) -> list[Footage]:
        """Takes with two frames of a face, different ones while there are enough."""
        found: list[Footage] = []
        for _ in range(TRIES):
            places = rng.choice(len(takes), count, replace=len(takes) < count)
            found += [take for take in (takes[int(k)] for k in places) if take.valid.sum() > 1]
            if len(found) >= count:
                return found[:count]
        raise BadInput(f"no takes with two frames of a face, in {TRIES} tries")


def colours(frames: Tensor) -> Tensor:
    """Pictures ``(..., 3, s, s)`` in -1..1 of frames ``(..., 4, s, s)`` uint8."""
    return frames[..., :3, :, :].float() / 127.5 - 1


def mattes(frames: Tensor) -> Tensor:
    """Mattes ``(..., 1, s, s)`` in 0..1 of frames ``(..., 4, s, s)`` uint8."""
    return frames[..., 3:, :, :].float() / 255
