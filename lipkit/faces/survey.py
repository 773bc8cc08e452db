"""The first pass over a video: one face in every frame, shot by shot, and where to cut it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.cuts import CutDetector
from lipkit.faces.geometry import Geometry, ticks
from lipkit.faces.landmarks import SCHEMES
from lipkit.faces.templates import matrices
from lipkit.faces.tracks import Path, Seen, bridge, fill, join, link, rank, smooth
from lipkit.faces.warping import compose, scaling, warp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Face, FaceTracker, Frames

    Array = NDArray[Any]
    Likeness = Callable[[Frames, Face], float]

MAX_GAP = 0.4  # seconds without the face that are bridged
CALM = 0.36  # seconds over which the crop's place is smoothed
FINE = 0.2  # seconds over which landmarks are smoothed: less than a syllable
COMPARE_EVERY = 5  # frames between two looks at who somebody is


@runtime_checkable
class Resettable(Protocol):
    """A tracker that carries faces from frame to frame."""

    def reset(self) -> None:
        """Forget them."""
        ...


@dataclass(frozen=True)
class Wish:
    """Which face is wanted, and by what clock."""

    choice: str = "largest"
    fps: Fraction = Fraction(25)
    likeness: Likeness | None = None

    def frames(self, seconds: float) -> int:
        """Whole frames in ``seconds``, at least one."""
        return max(1, round(seconds * float(self.fps)))


@dataclass(frozen=True)
class Survey:
    """The chosen face through the whole video, and the number of each frame's shot ``(f,)``."""

    path: Path
    shot: Array
    most_faces: int

    @property
    def found(self) -> bool:
        """Whether any frame shows a face."""
        return bool(self.path.valid.any())


def survey(chunks: Iterable[Frames], tracker: FaceTracker, wish: Wish) -> Survey:
    """Follow the wished face through chunks of frames ``(f, h, w, 3)``, resetting at scene cuts.

    Holds one shot's detections at a time; of finished shots only the chosen face is kept.
    """
    cuts, paths, most = CutDetector(), [], 0
    shot: list[list[Seen]] = []
    size = (1, 1)
    for chunk in chunks:
        size = (chunk.shape[2], chunk.shape[1])
        for piece, begins in split(chunk, cuts.feed(chunk)):
            if begins and shot:
                paths.append(_settle(shot, tracker.scheme, wish, size))
                shot = []
            if begins and isinstance(tracker, Resettable):
                tracker.reset()
            for frame, faces in zip(piece, tracker.detect(piece), strict=True):
                shot.append(_look(frame, faces, len(shot), wish))
                most = max(most, len(faces))
    if shot:
        paths.append(_settle(shot, tracker.scheme, wish, size))
    if not paths:
        raise BadInput("the video has no frames")
    lengths = [len(path.valid) for path in paths]
    shots = np.repeat(np.arange(len(paths)), lengths)
    path, shots = bridge(_joined(paths), shots, wish.frames(MAX_GAP))
    return Survey(path, shots, most)


def split(chunk: Frames, begins: NDArray[np.bool_]) -> Iterator[tuple[Frames, bool]]:
    """Pieces of a chunk within one shot each, and whether the piece begins its shot."""
    marks = sorted({0, *np.flatnonzero(begins).tolist(), len(chunk)})
    for start, end in pairwise(marks):
        yield chunk[start:end], bool(begins[start])


def _look(frame: Frames, faces: list[Face], index: int, wish: Wish) -> list[Seen]:
    if wish.likeness is None or index % COMPARE_EVERY:
        return [Seen(face) for face in faces]
    return [Seen(face, wish.likeness(frame, face)) for face in faces]


def _settle(shot: list[list[Seen]], scheme: str, wish: Wish, size: tuple[int, int]) -> Path:
    """The wished face's path through one finished shot, gaps filled."""
    max_gap = wish.frames(MAX_GAP)
    tracks = link(shot, max_gap)
    track = join(rank(tracks, wish.choice, size), tracks)
    if track is None:
        return _nobody(len(shot), scheme)
    return fill(track, len(shot), max_gap)


def _nobody(count: int, scheme: str) -> Path:
    points = np.zeros((count, SCHEMES[scheme].count, 1), np.float32)
    return Path(points, np.zeros((count, 4), np.float32), np.zeros(count), np.zeros(count, bool))


def _joined(paths: list[Path]) -> Path:
    """One path of several shots; shots without the face get points as wide as the others'."""
    if len(paths) == 1 and paths[0].points.shape[-1] > 1:
        return paths[0]
    wide = max(path.points.shape[-1] for path in paths)
    wide = 2 if wide == 1 else wide
    points = [
        path.points if path.points.shape[-1] == wide else _zeros_like(path, wide) for path in paths
    ]
    rest = [[getattr(path, name) for path in paths] for name in ("box", "score", "valid")]
    return Path(np.concatenate(points), *(np.concatenate(part) for part in rest))


def _zeros_like(path: Path, wide: int) -> Array:
    return np.zeros((*path.points.shape[:2], wide), np.float32)


@dataclass(frozen=True)
class Crop:
    """What crops to cut."""

    template: str = "square"
    size: int = 512
    on_missing: str = "pass"  # pass: not valid; hold: stays where it was; fail: refuse


def locate(
    found: Survey,
    crop: Crop,
    wish: Wish,
    *,
    scheme: str,
    times: list[Fraction],
    frame_size: tuple[int, int],
    seen_size: tuple[int, int] | None = None,
) -> Geometry:
    """The geometry of every frame; ``seen_size`` is what the tracker saw, if smaller."""
    path = rescaled(found.path, seen_size, frame_size) if seen_size else found.path
    count = len(path.valid)
    points, matrix = path.points.copy(), np.zeros((count, 2, 3))
    valid = path.valid.copy()
    for number in np.unique(found.shot):
        rows = np.flatnonzero(found.shot == number)
        part = slice(rows[0], rows[-1] + 1)
        there = path.valid[part]
        if not there.any():
            matrix[part] = whole_frame(frame_size, crop.size)
            continue
        some = slice(None) if there.all() else there  # a view where nobody is missing
        calm = smooth(points[part], there, wish.frames(CALM))[some]
        matrix[part] = _held(
            matrices(crop.template, calm, scheme, crop.size, frame_size=frame_size), there
        )
        del calm
        points[part] = _held(smooth(points[part], there, wish.frames(FINE))[some], there)
    if crop.on_missing == "hold" and valid.any():
        matrix, points = _held(matrix[valid], valid), _held(points[valid], valid)
        valid[:] = True
    beat, base = ticks(times)
    return Geometry(
        matrix=matrix,
        points=points,
        box=path.box,
        score=np.asarray(path.score, np.float32),
        valid=valid,
        shot=found.shot,
        ticks=beat,
        time_base=base,
        fps=wish.fps,
        size=(crop.size, crop.size),
        frame_size=frame_size,
        scheme=scheme,
        template=crop.template,
    )


def _held(rows: Array, there: Array) -> Array:
    """Rows of the frames with a face, the nearest one's repeated in the frames without."""
    if there.all():
        return rows
    frames = np.flatnonzero(there)
    every = np.arange(len(there))
    after = np.clip(np.searchsorted(frames, every), 0, len(frames) - 1)
    before = np.maximum(after - 1, 0)
    closer = np.abs(every - frames[before]) < np.abs(frames[after] - every)
    return np.asarray(rows[np.where(closer, before, after)])


def rescaled(path: Path, seen: tuple[int, int], size: tuple[int, int]) -> Path:
    """The path in pixels of frames of another size; outer edges stay put."""
    if seen == size:
        return path
    ratio = np.array([size[0] / seen[0], size[1] / seen[1]], np.float32)
    points = path.points.copy()
    points[..., :2] = (points[..., :2] + 0.5) * ratio - 0.5
    points[..., 2:] *= float(ratio.mean())
    box = (path.box + 0.5) * np.tile(ratio, 2) - 0.5
    return replace(path, points=points, box=box.astype(np.float32))


def whole_frame(frame_size: tuple[int, int], size: int) -> Array:
    """The matrix of the picture's largest centred square: the crop of shots without a face."""
    width, height = frame_size
    side = min(frame_size)
    centre = np.array([[1.0, 0, -(width - side) / 2], [0, 1.0, -(height - side) / 2]])
    return compose(scaling(size / side), centre)


def crops(chunks: Iterable[Frames], geometry: Geometry) -> Iterator[Frames]:
    """The second pass: chunks of crops ``(f, h, w, 3)`` of chunks of frames."""
    start = 0
    for chunk in chunks:
        part = geometry.matrix[start : start + len(chunk)]
        if len(part) < len(chunk):
            raise BadInput(f"the video has more than the {len(geometry)} frames of its geometry")
        yield np.stack([warp(f, m, geometry.size) for f, m in zip(chunk, part, strict=True)])
        start += len(chunk)


def missing(valid: Array) -> list[tuple[int, int]]:
    """Stretches ``(first, last)`` of frames without a face."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~valid).astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
