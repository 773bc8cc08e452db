"""Edited faces as a clip: windows of the frames at their own scale, which go back pixel for pixel.

The geometry of such a clip has one tensor more, ``rows (f,)``: the source frame of each crop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.geometry import SHAPES, Geometry, ticks
from lipkit.faces.masks import feathered
from lipkit.faces.warping import box_of, paste
from lipkit.sync.source import Source, regroup
from lipkit.sync.tracking import held

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack, Pixels
    from lipkit.sync.clock import Clock

ROOM = 1.7  # side of the window over the largest side of the face's landmarks
TEMPLATE = "native"


def windows_around(geometry: Geometry, track: FaceTrack) -> Geometry:
    """The geometry with windows of one size around the face, moved by whole pixels."""
    points, known = held(track.points, track.valid, np.zeros(len(track), int))
    if not known.any():
        raise BadInput("no face to cut out")
    boxes = box_of(points).astype(np.float64)
    frame = np.asarray(track.frame_size)
    sides = boxes[track.valid, 2:] - boxes[track.valid, :2]
    size = np.minimum(np.ceil(sides.max() * ROOM / 2).astype(int) * 2, frame)
    corner = np.rint((boxes[:, :2] + boxes[:, 2:]) / 2 - size / 2)
    corner = np.clip(corner, 0, frame - size)
    matrix = np.tile(np.eye(2, 3), (len(track), 1, 1))
    matrix[:, :, 2] = -corner
    return replace(
        geometry, matrix=matrix, points=points, box=boxes, template=TEMPLATE,
        size=(int(size[0]), int(size[1])), valid=track.valid,
    )  # fmt: skip


def at_times(geometry: Geometry, clock: Clock) -> Geometry:
    """One row for each of the clock's frames."""
    rows = np.asarray(clock.rows)
    beat, base = ticks(list(clock.times))
    every = {name: np.asarray(getattr(geometry, name))[rows] for name in SHAPES}
    return replace(geometry, **{**every, "ticks": beat}, time_base=base)


def cut(frames: Iterable[Pixels], geometry: Geometry) -> Iterator[Pixels]:
    """The windows ``(f, h, w, c)`` of chunks of frames."""
    (width, height), at = geometry.size, 0
    for chunk in frames:
        corners = np.rint(-geometry.matrix[at : at + len(chunk), :, 2]).astype(int)
        yield np.stack([
            frame[y : y + height, x : x + width]
            for frame, (x, y) in zip(chunk, corners.tolist(), strict=True)
        ])  # fmt: skip
        at += len(chunk)


def put_back(
    source: Source, rows: Sequence[int], crops: Iterable[Pixels], geometry: Geometry
) -> Iterator[Pixels]:
    """Source frames ``rows`` ``(f, h, w, 3|4)``, each crop, as deep as they, where it came from."""
    mask, matrices = rim(geometry), iter(geometry.matrix)
    cuts = [(k, min(k + source.chunk, len(rows))) for k in range(0, len(rows), source.chunk)]
    frames = regroup(source.play(rows), iter(cuts))
    faces = regroup(iter(crops), iter(cuts))
    for below, above in zip(frames, faces, strict=True):
        made = below.copy()
        for frame, crop in zip(made, above, strict=True):
            frame[..., :3] = paste(frame[..., :3], crop, next(matrices), mask)
        yield made


def rim(geometry: Geometry) -> Any:
    """The mask ``(h, w)`` by which crops go back: one, but fading where crops were resampled."""
    width, height = geometry.size
    mask = np.ones((height, width), np.float32)
    if geometry.template == TEMPLATE:
        return mask
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    return feathered(mask, min(width, height) / 16)


def rows_of(tensors: dict[str, NDArray[Any]], count: int) -> list[int]:
    """The source frame of each crop of a clip: as it says, else one after the other."""
    rows = tensors.get("rows", np.arange(count))
    return [int(row) for row in rows]
