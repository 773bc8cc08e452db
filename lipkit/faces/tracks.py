"""One face through time: linking detections, choosing a face, filling gaps, smoothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lipkit.errors import BadUsage
from lipkit.faces.warping import overlap
from lipkit.protocols import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MAX_COST = 1.4  # of a link: 0 the same place, 2 nothing in common
SOMEBODY_ELSE = 0.4  # likeness under which a face is not the person asked for
STRAY = 0.2  # tracks shorter than this share of the longest one are passers-by or mistakes
SAME_PLACE = 0.6  # overlap of boxes before and after a flash
NEAR, GROWN = 2.0, 1.6  # distance, in faces, and growth of one who comes back into view
BLOCK = 500  # frames or columns worked on at once where that takes several times their memory
JUMP = 0.25  # of the box's side in one frame: faster than heads move, so a hidden cut


class Seen(NamedTuple):
    """A detection, and how much it looks like the person asked for (NaN: not compared)."""

    face: Face
    likeness: float = float("nan")


@dataclass
class Track:
    """The detections of one person in one shot; ``frames`` rise but may leave gaps."""

    frames: list[int] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def add(self, frame: int, seen: Seen) -> None:
        """Append what was seen of this person in ``frame``."""
        self.frames.append(frame)
        self.seen.append(seen)

    @property
    def boxes(self) -> Array:
        """Boxes ``(n, 4)`` of the frames seen."""
        return np.stack([seen.face.box for seen in self.seen])


@dataclass(frozen=True)
class Path:
    """A face in every frame: ``points (f, k, 2|3)``, ``box (f, 4)``, ``score`` and ``valid (f,)``.

    Where ``valid`` is false the other rows repeat the nearest frame with a face; filled gaps are
    valid with score zero.
    """

    points: Array
    box: Array
    score: Array
    valid: Array


def link(detections: Sequence[Sequence[Seen]], max_gap: int) -> list[Track]:
    """Tracks of one shot: detections joined by overlap and nearness over ``max_gap`` frames."""
    from scipy.optimize import linear_sum_assignment

    tracks: list[Track] = []
    for frame, seen in enumerate(detections):
        live = [track for track in tracks if frame - track.frames[-1] <= max_gap + 1]
        rest = set(range(len(seen)))
        if live and seen:
            cost = _costs(live, seen)
            for i, j in zip(*linear_sum_assignment(cost), strict=True):
                if cost[i, j] < MAX_COST:
                    live[i].add(frame, seen[j])
                    rest.discard(int(j))
        for j in sorted(rest):
            tracks.append(Track([frame], [seen[j]]))
    return tracks


def _costs(tracks: Sequence[Track], seen: Sequence[Seen]) -> Array:
    """Cost ``(tracks, seen)`` of each link: lacking overlap plus distance of landmarks."""
    old, new = [t.seen[-1].face for t in tracks], [s.face for s in seen]
    boxes = [np.stack([face.box for face in faces]) for faces in (old, new)]
    cost = 1.0 - overlap(*boxes)
    for i, before in enumerate(old):
        side = max(float((before.box[2:] - before.box[:2]).max()), 1.0)
        for j, after in enumerate(new):
            apart = np.linalg.norm(after.points[:, :2] - before.points[:, :2], axis=-1).mean()
            cost[i, j] += min(float(apart) / side, 1.0)
    return np.asarray(cost)


Ranking = Callable[[Track, tuple[int, int]], float]


def _area(track: Track, size: tuple[int, int]) -> float:
    sides = track.boxes[:, 2:] - track.boxes[:, :2]
    return float(sides.prod(-1).sum())


def _centrality(track: Track, size: tuple[int, int]) -> float:
    middles = (track.boxes[:, :2] + track.boxes[:, 2:]) / 2
    return -float(np.linalg.norm(middles - np.array(size) / 2, axis=-1).mean())


def _leftness(track: Track, size: tuple[int, int]) -> float:
    return -float(np.median(track.boxes[:, 0] + track.boxes[:, 2]))


def _rightness(track: Track, size: tuple[int, int]) -> float:
    return -_leftness(track, size)


def _likeness(track: Track, size: tuple[int, int]) -> float:
    values = [seen.likeness for seen in track.seen if not np.isnan(seen.likeness)]
    return float(np.mean(values)) if values else -1.0


RANKINGS: dict[str, Ranking] = {
    "largest": _area,
    "center": _centrality,
    "left": _leftness,
    "right": _rightness,
    "like": _likeness,
}


def rank(tracks: Sequence[Track], choice: str, frame_size: tuple[int, int]) -> list[Track]:
    """The substantial tracks of a shot, best first by ``choice``.

    Choices: ``largest``, ``center``, ``left``, ``right``, ``like`` (the reference picture) or a
    number that counts from the left, 1 being the leftmost; a number too high gives none.
    """
    longest = max((len(track.frames) for track in tracks), default=0)
    real = [track for track in tracks if len(track.frames) >= STRAY * longest]
    if choice.isdigit():
        index = int(choice)
        if index < 1:
            raise BadUsage("faces count from 1, the leftmost", hint="use --face 1")
        return sorted(real, key=lambda track: -_leftness(track, frame_size))[index - 1 : index]
    if choice not in RANKINGS:
        raise BadUsage(f"unknown choice of face {choice!r}", hint=f"known: {', '.join(RANKINGS)}")
    if choice == "like":
        real = [track for track in real if _likeness(track, frame_size) >= SOMEBODY_ELSE]
    return sorted(real, key=lambda track: -RANKINGS[choice](track, frame_size))


def join(ranked: Sequence[Track], others: Sequence[Track]) -> Track | None:
    """The best track and those pieces that continue it before or after a long gap."""
    if not ranked:
        return None
    parts = [ranked[0]]
    rest = sorted((t for t in others if t is not ranked[0]), key=lambda t: -len(t.frames))
    for track in rest:
        if all(_apart(track, part) for part in parts) and _continues(track, parts):
            parts.append(track)
    whole = Track()
    for frame, seen in sorted(
        ((f, s) for part in parts for f, s in zip(part.frames, part.seen, strict=True)),
        key=lambda row: row[0],
    ):
        whole.add(frame, seen)
    return whole


def _apart(first: Track, second: Track) -> bool:
    return first.frames[-1] < second.frames[0] or second.frames[-1] < first.frames[0]


def _continues(track: Track, parts: Sequence[Track]) -> bool:
    """Whether a track begins or ends, in size and place, about where a part ends or begins."""
    for part in parts:
        first, second = (part, track) if part.frames[-1] < track.frames[0] else (track, part)
        end, start = first.seen[-1].face.box, second.seen[0].face.box
        sides = [float((box[2:] - box[:2]).max()) for box in (end, start)]
        apart = float(np.linalg.norm((end[:2] + end[2:] - start[:2] - start[2:]) / 2))
        if apart < NEAR * max(sides) and max(sides) < GROWN * min(sides):
            return True
    return False


def fill(track: Track, count: int, max_gap: int) -> Path:
    """The track over ``count`` frames: gaps up to ``max_gap`` interpolated, the rest not valid."""
    frames = np.asarray(track.frames)
    every = np.arange(count)
    after = np.clip(np.searchsorted(frames, every), 0, len(frames) - 1)
    before = np.clip(np.searchsorted(frames, every, side="right") - 1, 0, len(frames) - 1)
    gap = frames[after] - frames[before]
    part = np.where(gap > 0, (every - frames[before]) / np.maximum(gap, 1), 0.0)
    valid = (gap - 1 <= max_gap) & (every >= frames[0]) & (every <= frames[-1])
    part = np.where(valid, part, np.round(part))
    points = _blend(np.stack([s.face.points for s in track.seen]), before, after, part)
    box = _blend(track.boxes, before, after, part)
    score = np.zeros(count, np.float32)
    score[frames] = [seen.face.score for seen in track.seen]
    return Path(points, box, score, valid)


def _blend(rows: Array, before: Array, after: Array, part: Array) -> Array:
    # Ten minutes of landmarks are 90 MB: only what lies between two rows is worth copies.
    blend = rows[before].astype(np.float32, copy=False)
    between = np.flatnonzero(part)
    share = part[between].reshape(-1, *[1] * (rows.ndim - 1)).astype(np.float32)
    blend[between] += share * (rows[after[between]] - blend[between])
    return np.asarray(blend)


def bridge(path: Path, shot: Array, max_gap: int) -> tuple[Path, Array]:
    """The path with short faceless stretches between shots filled where the face comes back.

    A flash or a few blank frames look like two cuts; the face in the same place on both sides says
    that the shot went on, and the shots ``(f,)`` become one.
    """
    pieces = runs(path.valid)
    if len(pieces) < 2:
        return path, shot
    points, box, valid, shot = (v.copy() for v in (path.points, path.box, path.valid, shot))
    for (_, end), (start, _) in pairwise(pieces):
        ends = box[[end - 1, start]]
        if start - end > max_gap or float(overlap(ends[:1], ends[1:])[0, 0]) < SAME_PLACE:
            continue
        part = np.arange(1, start - end + 1) / (start - end + 1)
        rows = np.zeros(len(part), int), np.ones(len(part), int), part
        points[end:start] = _blend(points[[end - 1, start]], *rows)
        box[end:start] = _blend(ends, *rows)
        valid[end:start] = True
        shot[end:] -= np.clip(shot[end:] - shot[end - 1], 0, shot[start] - shot[end - 1])
    return Path(points, box, path.score, valid), shot


def smooth(values: Array, valid: Array, window: int, order: int = 2) -> Array:
    """``values (f, ...)`` through a zero-phase Savitzky-Golay filter, each valid run by itself.

    Symmetric, so nothing lags; runs end where frames lack a face and where the values jump as at a
    cut that went unnoticed.
    """
    # Half a second of imports that choosing a face in a picture does without.
    from scipy.signal import savgol_filter

    out = np.array(values, order="C")
    columns = out.reshape(len(out), math.prod(out.shape[1:]))
    for start, end in runs(valid, values):
        length = min(window, end - start)
        length -= 1 - length % 2
        if length <= order:
            continue
        for first in range(0, columns.shape[1], BLOCK):
            part = columns[start:end, first : first + BLOCK]
            part[:] = savgol_filter(part, length, order, axis=0, mode="interp")
    return out


def runs(valid: Array, values: Array | None = None) -> list[tuple[int, int]]:
    """Stretches ``(start, end)`` of valid frames, ends excluded, also split where values jump."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(valid, np.int8), [0]])))
    found = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    if values is None or values.ndim < 3:
        return found
    jumps = _jumps(values)
    pieces = []
    for start, end in found:
        marks = [start, *sorted(j for j in jumps if start < j < end), end]
        pieces += list(pairwise(marks))
    return pieces


def _jumps(values: Array) -> set[int]:
    """Frames at which points ``(f, k, 2|3)`` are far from where they were the frame before."""
    found: set[int] = set()
    for first in range(0, len(values) - 1, BLOCK):  # in 64 bits, a part at a time
        places = np.asarray(values[first : first + BLOCK + 1, :, :2], np.float64)
        side = (places.max(1) - places.min(1)).max(-1)
        step = np.linalg.norm(np.diff(places, axis=0), axis=-1).mean(-1)
        far = np.flatnonzero(step > JUMP * np.maximum(side[1:], 1.0))
        found.update((first + far + 1).tolist())
    return found
