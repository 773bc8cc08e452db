"""What VLOGGER learns from: tracked meshes with the sound, and frames with their controls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.errors import BadInput
from lipkit.faces.mesh import POINTS
from lipkit.models.vlogger import pose
from lipkit.models.vlogger.config import ModelConfig, MotionConfig
from lipkit.models.vlogger.controls import Reference, controls_of, reference_of
from lipkit.models.vlogger.head import fit
from lipkit.protocols import Features
from lipkit.sync.hearing import encoder_of, windows_of
from lipkit.training.clips import ClipFootage
from lipkit.training.data import Footage
from lipkit.training.toys.takes import Toy

Array = NDArray[Any]

KEPT = 256  # takes whose small pictures stay in memory, and features of four times as many
SMALL = 4 << 20  # bytes of pictures up to which a take is kept whole
TRIES = 1000


class Tracked(NamedTuple):
    """A take's heads: meshes ``(f, 478, 3)`` cm in their own frame, and matrices ``(f, 4, 4)``."""

    meshes: Array
    matrices: Array


def points_of(take: Footage, start: int, stop: int) -> Array:
    """The mesh ``(f, 478, 3)`` in pixels of the take's frames; BadInput where there is none."""
    if isinstance(take, Toy):  # which has one beside its landmarks
        return take.mesh(start, stop)
    points = take.points[start:stop]
    if points.shape[1:] != (POINTS, 3):
        raise BadInput(
            f"{take.name}: no face mesh, but {take.scheme}",
            hint="align it with --tracker mediapipe",
        )
    return np.asarray(points)


def tracked(take: Footage) -> Tracked:
    """The heads of all frames that show one."""
    return followed(points_of(take, 0, len(take))[take.valid], size_of(take))


def followed(points: Array, size: tuple[int, int]) -> Tracked:
    """The heads of points ``(f, 478, 3)`` in pixels of pictures of ``size``, width first."""
    edge = np.array([0.5, 0.5, 0.0])  # shares of a picture begin at the first pixel's edge
    heads = [fit((one + edge) / (*size, size[0]), size, POINTS) for one in points]
    return Tracked(np.stack([h.mesh for h in heads]), np.stack([h.matrix for h in heads]))


@lru_cache(4 * KEPT)
def size_of(take: Footage) -> tuple[int, int]:
    """Width and height of a take's pictures."""
    height, width = take.pictures(0, 1).shape[1:3]
    return width, height


@lru_cache(4 * KEPT)
def heard_of(take: Footage, encoder: str) -> Features:
    """An encoder's features of a take's whole sound."""
    return encoder_of(encoder).encode(take.wave)


def hearing(voice: Features, form: MotionConfig, fps: int, first: int, count: int) -> Array:
    """What each of ``count`` frames from ``first`` on hears ``(count, steps * bands)``."""
    span = (form.before, form.after)
    return windows_of(voice, fps, first, count, span).data.reshape(count, -1)


def residual(matrices: Array, reference: Array) -> Array:
    """Poses ``(f, 6)`` of heads ``(f, 4, 4)`` against the one ``(4, 4)`` of a reference."""
    return pose.poses(np.linalg.inv(reference) @ matrices)


def starts_of(take: Footage, count: int, fps: int | None = None) -> Array:
    """Where ``count`` frames begin that all show a face; BadInput at another rate than ``fps``."""
    if fps is not None and take.fps != fps:
        raise BadInput(
            f"{take.name}: {float(take.fps):g} frames a second, not {fps}",
            hint=f"before lipkit align: ffmpeg -i IN -r {fps} OUT",
        )
    if len(take) < count:
        return np.zeros(0, int)
    shown = np.concatenate([[0], np.cumsum(take.valid)])
    return np.flatnonzero(shown[count:] - shown[:-count] == count)


def placed(
    takes: Sequence[Footage], rng: np.random.Generator, count: int, fps: int | None = None
) -> tuple[Footage, int]:
    """Some take and the first of ``count`` frames in it; BadInput where none has so many."""
    for _ in range(TRIES):
        take = takes[int(rng.integers(len(takes)))]
        starts = starts_of(take, count, fps)
        if len(starts):
            return take, int(rng.choice(starts))
    raise BadInput(f"no {count} frames of a face in a row, in {TRIES} tries")


def pictures_at(take: Footage, start: int, count: int, side: int) -> Array:
    """Pictures ``(f, side, side, 3)`` uint8."""
    width, height = size_of(take)
    if width != height:
        raise BadInput(
            f"{take.name}: {width}x{height}, not square", hint="align it: --template portrait"
        )
    if isinstance(take, ClipFootage) and len(take) * side * side * 3 <= SMALL:
        return _whole(take, side)[start : start + count]
    return _resized(take.pictures(start, start + count), side)


@lru_cache(KEPT)
def _whole(take: Footage, side: int) -> Array:
    return _resized(take.pictures(0, len(take)), side)


def _resized(pictures: Array, side: int) -> Array:
    if pictures.shape[1] == side:
        return pictures
    way = cv2.INTER_AREA if pictures.shape[1] > side else cv2.INTER_CUBIC
    return np.stack([cv2.resize(one, (side, side), interpolation=way) for one in pictures])


def points_at(take: Footage, start: int, count: int, side: int) -> Array:
    """Points ``(f, 478, 3)`` of frames, in pixels of pictures of ``side``."""
    scale, edge = side / size_of(take)[0], np.array([0.5, 0.5, 0.0])
    return (points_of(take, start, start + count) + edge) * scale - edge


def reference_at(take: Footage, row: int, side: int) -> Reference:
    """A frame as the reference of others."""
    picture = pictures_at(take, row, 1, side)[0]
    return reference_of(picture, points_at(take, row, 1, side)[0])


def told_of(points: Array, reference: Reference, fine: int) -> Array:
    """What the painter is told ``(f, k, r, r)`` float16 of frames with ``points (f, 478, 3)``."""
    seen = np.moveaxis(reference.picture.astype(np.float16) / 127.5 - 1, 2, 0)
    return np.stack([np.concatenate([controls_of(one, reference, fine), seen]) for one in points])


def scene(
    takes: Sequence[Footage], rng: np.random.Generator, count: int, apart: int, form: ModelConfig
) -> dict[str, Tensor]:
    """Frames ``(f, 3, r, r)`` uint8 of some take, and what is told of them ``(f, k, r, r)``.

    The reference is a frame of the same take, ``apart`` from them if it is long enough, else as far
    as can be.
    """
    take, start = placed(takes, rng, count)
    others = np.flatnonzero(take.valid)
    far = np.maximum(start - others, others - (start + count - 1))
    row = int(rng.choice(others[far >= min(apart, far.max())]))
    side = form.resolution
    points = points_at(take, start, count, side)
    frames = pictures_at(take, start, count, side)
    told = told_of(points, reference_at(take, row, side), form.fine)
    return {
        "frames": torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, 3, 1))),
        "told": torch.from_numpy(told),
    }


def stacked(items: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Examples as a batch."""
    return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def clips_of(frames: Tensor) -> Tensor:
    """Clips ``(b, 3, f, h, w)`` in -1..1 of frames ``(b, f, 3, h, w)`` uint8."""
    return frames.float().transpose(1, 2) / 127.5 - 1
