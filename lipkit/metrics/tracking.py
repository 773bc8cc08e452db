"""The quick pass over a clip that finds its face, for every metric that looks at one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.faces.survey import FINE, Wish, survey
from lipkit.faces.tracks import smooth
from lipkit.flow import ahead
from lipkit.media.video import read_timed_frames
from lipkit.protocols import FaceTrack

if TYPE_CHECKING:
    from lipkit.faces.mediapipe import MediapipeTracker
    from lipkit.protocols import Frames

SEEN_SIDE = 1280  # longest side of the frames in which the face is followed
LOOK = 8  # frames looked at at once, while the next ones are being decoded


@lru_cache(maxsize=1)
def _tracker() -> MediapipeTracker:
    from lipkit.faces.mediapipe import MediapipeTracker

    return MediapipeTracker()


def track_face(
    path: Path,
    size: tuple[int, int],
    fps: Fraction,
    advance: Callable[[int], object] = lambda _: None,
) -> FaceTrack:
    """The largest face in every frame of a video whose frames are ``size`` (width, height).

    ``advance`` hears how many frames more were looked at.
    """
    shrink = min(1.0, SEEN_SIDE / max(size))
    seen = max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
    tracker, wish, times = _tracker(), Wish("largest", fps), list[Fraction]()
    tracker.reset()

    def watched() -> Iterator[Frames]:
        for part in ahead(read_timed_frames(path, size=seen, exact=False, chunk=LOOK)):
            times.extend(part.times)
            yield part.frames
            advance(len(part.times))

    found = survey(watched(), tracker, wish)
    points, valid, shot = found.path.points, found.path.valid, found.shot
    for number in np.unique(shot):
        rows = np.flatnonzero(shot == number)
        part = slice(rows[0], rows[-1] + 1)
        points[part] = smooth(points[part], valid[part], wish.frames(FINE))
    ratio = np.array([size[0] / seen[0], size[1] / seen[1]], np.float32)
    points[..., :2] += 0.5  # outer edges of both sizes lie on each other, not centres of pixels
    points[..., :2] *= ratio
    points[..., :2] -= 0.5
    points[..., 2:] *= float(ratio.mean())
    return FaceTrack(points, valid, shot, tuple(times), fps, size, tracker.scheme)


def regular(track: FaceTrack, ticks: Sequence[Fraction], fps: Fraction) -> FaceTrack:
    """The track at other times: points interpolated between valid neighbours of one shot."""
    times = np.array([float(time) for time in track.times])
    wanted = np.array([float(tick) for tick in ticks])
    last = max(len(times) - 1, 0)
    after = np.clip(np.searchsorted(times, wanted - 1e-6), 0, last)
    before = np.clip(np.searchsorted(times, wanted + 1e-6, side="right") - 1, 0, last)
    gap = times[after] - times[before]
    share = np.where(gap > 0, (wanted - times[before]) / np.where(gap > 0, gap, 1), 0.0)
    near = np.where(share < 0.5, before, after)
    share = np.where(track.shot[before] == track.shot[after], share, np.round(share))
    both = track.valid[before] & track.valid[after]
    valid = np.where((share == 0) | (share == 1), track.valid[near], both)
    weight = share[:, None, None].astype(np.float32)
    points: Any = track.points[before] * (1 - weight) + track.points[after] * weight
    return FaceTrack(
        points=points,
        valid=valid,
        shot=track.shot[near],
        times=tuple(ticks),
        fps=fps,
        frame_size=track.frame_size,
        scheme=track.scheme,
    )
