"""Crops of faces as SyncNet's recipe cuts them, out of frames that pass by once.

Boxes of each frame are linked by overlap, gaps are interpolated, centre and size go through a
running median, and a crop is cut as soon as the boxes behind it are known: so only some frames are
held, however long the video is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.faces.warping import overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]


@dataclass(frozen=True)
class CropRule:
    """How boxes become crops (Chung and Zisserman's ``syncnet_python``)."""

    overlap: float = 0.5  # of a box with the track's last one, more than this
    gap: int = 25  # frames from the last box after which a track has ended
    median: int = 13  # frames
    widening: float = 0.4  # of half the box on each side, and twice below
    side: int = 224
    fill: int = 110  # beyond the picture


SYNCNET = CropRule()


@dataclass(eq=False)
class BoxTrack:
    """One face through neighbouring frames, from ``first`` on, while it grows.

    ``boxes`` holds a box for each frame up to the last detection, those of gaps interpolated;
    ``detected`` counts the detections, ``cut`` the crops that were made.
    """

    first: int
    boxes: list[Array] = field(default_factory=list)
    detected: int = 0
    cut: int = 0

    @property
    def last(self) -> int:
        """The frame of the last detection."""
        return self.first + len(self.boxes) - 1

    @property
    def size(self) -> float:
        """The larger of mean width and mean height in pixels."""
        sides = np.stack(self.boxes)[:, 2:] - np.stack(self.boxes)[:, :2]
        return float(sides.mean(0).max())

    def add(self, frame: int, box: Array) -> None:
        """Append a detection, and what lies between the last one and it."""
        if self.boxes:
            before, steps = self.boxes[-1], frame - self.last
            self.boxes += [before + (box - before) * k / steps for k in range(1, steps)]
        self.boxes.append(box)
        self.detected += 1


class FaceCropper:
    """Finds face tracks in frames that come one by one, and cuts their crops."""

    def __init__(self, rule: CropRule = SYNCNET) -> None:
        self.rule = rule
        self.open: list[BoxTrack] = []
        self._held: dict[int, Frames] = {}

    def see(self, number: int, frame: Frames, boxes: Array) -> Iterator[tuple[BoxTrack, Frames]]:
        """The crops ``(224, 224, 3)`` that frame ``number`` makes possible, each with its track.

        ``boxes (n, 4)`` are the faces of this frame.
        """
        ended = [t for t in self.open if number - t.last > self.rule.gap]
        yield from self._finish(ended)
        self._link(number, boxes)
        if self.open:
            self._held[number] = frame.copy()  # it belongs to all metrics
        for track in self.open:
            yield from self._cut(track, len(track.boxes) - self.rule.median // 2)
        self._forget()

    def end(self) -> Iterator[tuple[BoxTrack, Frames]]:
        """The crops still due, as at a scene's end; the next frame begins new tracks."""
        yield from self._finish(list(self.open))

    def _finish(self, tracks: list[BoxTrack]) -> Iterator[tuple[BoxTrack, Frames]]:
        for track in tracks:
            yield from self._cut(track, len(track.boxes))
            self.open.remove(track)
        self._forget()

    def _link(self, number: int, boxes: Array) -> None:
        """Give each track the first box that overlaps its last one; other boxes begin tracks."""
        free = list(np.asarray(boxes, np.float64).reshape(-1, 4))
        for track in self.open:
            for place, box in enumerate(free):
                if float(overlap(box[None], track.boxes[-1][None])[0, 0]) > self.rule.overlap:
                    track.add(number, free.pop(place))
                    break
        for box in free:
            self.open.append(BoxTrack(number))
            self.open[-1].add(number, box)

    def _cut(self, track: BoxTrack, until: int) -> Iterator[tuple[BoxTrack, Frames]]:
        """Crops of a track up to its box ``until``, excluded."""
        while track.cut < until:
            place = steady(track.boxes, track.cut, self.rule.median)
            frame = self._held[track.first + track.cut]
            track.cut += 1
            yield track, crop(frame, place, self.rule)

    def _forget(self) -> None:
        """Drop the frames that no track can ask for any more."""
        needed = min((t.first + t.cut for t in self.open), default=None)
        for number in [n for n in self._held if needed is None or n < needed]:
            del self._held[number]


def steady(boxes: list[Array], index: int, size: int) -> Array:
    """Centre x, y and half side of box ``index``, each the median of ``size`` boxes around it.

    Beyond the track's ends stand zeros, as in the official filter: there crops are smaller.
    """
    reach = size // 2
    around = np.zeros((size, 3))
    for row, k in enumerate(range(index - reach, index + reach + 1)):
        if 0 <= k < len(boxes):
            x0, y0, x1, y1 = boxes[k]
            around[row] = (x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0) / 2
    return np.median(around, axis=0)


def crop(frame: Frames, place: Array, rule: CropRule = SYNCNET) -> Frames:
    """The crop around centre x, y and half side s: rows y - s to y + 1.8 s, columns x ∓ 1.4 s.

    Bounds are whole pixels; what lies beyond the picture is filled.
    """
    x, y, s = (float(v) for v in place)
    border = int(s * (1 + 2 * rule.widening))
    wide = s * (1 + rule.widening)
    top, bottom = int(y + border - s), int(y + border + s * (1 + 2 * rule.widening))
    left, right = int(x + border - wide), int(x + border + wide)
    rows, columns = (top - border, bottom - border), (left - border, right - border)
    part = filled(frame, rows, columns, rule.fill)
    return np.asarray(cv2.resize(part, (rule.side, rule.side)), np.uint8)


def filled(frame: Frames, rows: tuple[int, int], columns: tuple[int, int], fill: int) -> Frames:
    """The part of a frame within two pairs of bounds, which may lie beyond it; a pixel at least."""
    (top, bottom), (left, right) = ((low, max(high, low + 1)) for low, high in (rows, columns))
    part = np.full((bottom - top, right - left, frame.shape[2]), fill, np.uint8)
    inside = frame[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    y, x = max(-top, 0), max(-left, 0)
    if inside.size:
        part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return part
