"""What the face of a video does, for another head to do: AniPortrait's way from video to video."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.faces.mesh import aperture
from lipkit.models.vlogger import pose
from lipkit.models.vlogger.aniportrait.pipeline import Performance
from lipkit.models.vlogger.head import fit

Array = NDArray[Any]

SMOOTH = 3  # frames that poses are averaged over


def watched(read: Callable[[], Iterable[Array]]) -> tuple[Array, tuple[int, int]]:
    """The largest face's points ``(f, 478, 3)`` in each frame, and the video's size, width first.

    A frame without a face does what the one before does; before the first face all do what it does.
    """
    tracker = MediapipeTracker()
    found: list[Array | None] = []
    size = (0, 0)
    for frames in read():
        size = (frames.shape[2], frames.shape[1])
        found += [faces[0].points if faces else None for faces in tracker.detect(frames)]
    seen = np.array([points is not None for points in found])
    if not seen.any():
        raise BadInput("no face to follow")
    last = np.maximum.accumulate(np.where(seen, np.arange(len(found)), seen.argmax()))
    return np.stack([found[row] for row in last]), size


def doings(points: Array, size: tuple[int, int]) -> Performance:
    """What a face ``points (f, 478, 3)`` in pictures of ``size`` does, from frame to frame.

    Its mesh moves against the frame with the most closed lips, which stands for a neutral face, and
    its head against the first frame.
    """
    edge = np.array([0.5, 0.5, 0.0])  # shares of a picture begin at the first pixel's edge
    shares = (points + edge) / (size[0], size[1], size[0])
    heads = [fit(each, size) for each in shares]
    meshes = np.stack([head.mesh for head in heads])
    neutral = int(aperture(points).argmin())
    poses = pose.template(np.stack([head.matrix for head in heads]))
    rest = np.zeros_like(meshes[0])
    return Performance(pose.retargeted(meshes, neutral, rest), pose.smoothed(poses, SMOOTH))


def at_rate(points: Array, source: Fraction, rate: Fraction) -> Array:
    """A track ``(f, ...)`` of ``source`` frames a second at ``rate``: the nearest in time."""
    count = max(1, round(len(points) * rate / source))
    rows = [min(round(row * source / rate), len(points) - 1) for row in range(count)]
    return points[rows]
