"""A video as the filters see it: the face followed, scenes found, sound heard, at an even rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces import tracks
from lipkit.faces.survey import Crop, Resettable, Survey, Wish, locate, rescaled, survey
from lipkit.filters.pieces import Piece
from lipkit.filters.sounds import speech_of
from lipkit.filters.tracks import Followed
from lipkit.media.audio import read_wave
from lipkit.media.probe import require_video
from lipkit.media.video import read_timed_frames
from lipkit.metrics.clip import nearest
from lipkit.metrics.material import AdaptiveCuts
from lipkit.sync.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.faces.geometry import Geometry
    from lipkit.protocols import Face, FaceTracker, Frames

    Array = NDArray[Any]


class Counting:
    """A tracker that counts the faces of every frame."""

    def __init__(self, tracker: FaceTracker) -> None:
        self.tracker = tracker
        self.name, self.scheme = tracker.name, tracker.scheme
        self.counts: list[int] = []

    def detect(self, frames: Frames) -> list[list[Face]]:
        """All faces of each frame."""
        found = self.tracker.detect(frames)
        self.counts += [len(faces) for faces in found]
        return found

    def reset(self) -> None:
        """Forget the faces of the last frame."""
        if isinstance(self.tracker, Resettable):
            self.tracker.reset()


@dataclass(frozen=True)
class Recording:
    """A video brought to ``fps``: its frame ``k`` is the frame ``rows[k]`` of ``source``.

    ``face`` and ``faces (n,)`` (how many there are) have a row a source frame, of which there are
    ``source_fps`` a second; ``cuts`` are the frames at ``fps`` that begin a scene. ``wave`` is the
    sound at 16 kHz; ``seen`` the size of the frames in which the face was followed.
    """

    source: Source
    source_fps: Fraction
    rows: Array
    fps: Fraction
    face: Survey
    faces: Array
    cuts: tuple[int, ...]
    wave: Array
    seen: tuple[int, int]
    scheme: str
    tracker: str

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def speech(self) -> Array:
        """Where in ``wave`` somebody speaks ``(n,)``."""
        return speech_of(self.wave)

    def followed(self, piece: Piece) -> Followed:
        """The face through the source frames of a piece, in their pixels."""
        rows = np.arange(self.rows[piece.start], self.rows[piece.end - 1] + 1)
        size = self.source.size
        path = rescaled(picked(self.face.path, rows), self.seen, size)
        return Followed(path, self.faces[rows], self.source_fps, size, self.scheme)

    def geometry(self, piece: Piece, crop: Crop) -> Geometry:
        """Where to cut a piece's crops; its clock begins at nought."""
        path = picked(self.face.path, self.rows[piece.start : piece.end])
        found = Survey(path, np.zeros(len(piece), np.int32), self.face.most_faces)
        return replace(
            locate(
                found,
                crop,
                Wish(fps=self.fps),
                scheme=self.scheme,
                times=[k / self.fps for k in range(len(piece))],
                frame_size=self.source.size,
                seen_size=self.seen,
            ),
            tracker=self.tracker,
        )

    def frames(self, piece: Piece) -> Iterator[Frames]:
        """The piece's frames one by one, or more where the source's last longer."""
        rows = self.rows[piece.start : piece.end].tolist()
        counts = [(row, len(list(same))) for row, same in groupby(rows)]
        shown = self.source.read([row for row, _ in counts])
        for frame, (_, count) in zip(shown, counts, strict=True):
            yield np.repeat(frame, count, 0)


@dataclass(frozen=True)
class Way:
    """How to watch a video: to what rate, in which size, and what makes a scene cut.

    ``threshold`` is PySceneDetect's; None leaves it to lipkit's own detector. ``scenes`` says
    whether cuts are wanted at all.
    """

    fps: Fraction | None
    seen: tuple[int, int]
    scenes: bool
    threshold: float | None


def watch(
    path: Path,
    tracker: FaceTracker,
    wish: Callable[[Fraction], Wish],
    way: Way,
    advance: Callable[[int], object] = lambda _: None,
) -> Recording:
    """Follow the wished face through a video and listen to it; BadInput where either fails."""
    info, video = require_video(path)
    if info.audio is None:
        raise BadInput(f"{path}: no sound in this file")
    wave = read_wave(path)
    counting = Counting(tracker)
    times: list[Fraction] = []
    scenes = AdaptiveCuts(float(video.fps or 25), way.threshold) if way.threshold else None

    def watched() -> Iterator[Frames]:
        for part in read_timed_frames(path, size=way.seen):
            for k, frame in enumerate(part.frames):
                if scenes is not None:
                    scenes.see(len(times) + k, frame)
            times.extend(part.times)
            yield part.frames
            advance(len(part.times))

    found = survey(watched(), counting, wish(video.fps or Fraction(25)))
    fps = way.fps or video.fps or Fraction(25)
    rows = evened(times, video.fps or fps, way.fps)
    begins = scenes.found if scenes else np.flatnonzero(np.diff(found.shot)) + 1
    cuts = np.searchsorted(rows, np.asarray(begins, np.int64)) if way.scenes else ()
    return Recording(
        Source(path, times, video.size),
        video.fps or fps,
        rows,
        fps,
        found,
        np.array(counting.counts, np.int64),
        tuple(int(cut) for cut in cuts),
        wave,
        way.seen,
        tracker.scheme,
        tracker.name,
    )


def evened(times: list[Fraction], declared: Fraction, fps: Fraction | None) -> Array:
    """The source frame nearest to each frame at ``fps``, from nought to the end; None: all."""
    if fps is None:
        return np.arange(len(times))
    count = round((times[-1] + 1 / declared) * fps)
    return nearest(times, [k / fps for k in range(max(1, count))])


def picked(path: tracks.Path, rows: Array) -> tracks.Path:
    """The rows of a path."""
    return tracks.Path(path.points[rows], path.box[rows], path.score[rows], path.valid[rows])
