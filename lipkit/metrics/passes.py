"""The one pass over a clip's full frames, which all metrics share, its reference kept in step."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.flow import ahead
from lipkit.media.video import read_frames
from lipkit.metrics.clip import nearest
from lipkit.protocols import Passage

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames, Watch

    Rows = NDArray[Any]

CHUNK_BYTES = 24 << 20  # of frames that are decoded at once; a few such chunks are in memory
MOST_FRAMES = 16


@dataclass(frozen=True)
class Clock:
    """When metrics are shown frames: for each tick the row of the clip, and of its reference."""

    rows: Rows
    reference: Rows | None
    watches: list[Watch] = field(default_factory=list)

    def between(self, first: int, end: int) -> slice:
        """The ticks that show the clip's frames from ``first`` until before ``end``."""
        low, high = np.searchsorted(self.rows, [first, end])
        return slice(int(low), int(high))


def clock_of(clip: Clip, name: str, with_reference: bool) -> Clock:
    """The clock ``name`` ("source" or "25"), which ends with the reference where that is shown."""
    rows = np.arange(clip.frame_count) if name == "source" else clip.rows25
    if not with_reference or clip.reference is None:
        return Clock(rows, None)
    ticks: Sequence[Fraction] = clip.times if name == "source" else clip.ticks25
    ticks = [tick for tick in ticks if tick < clip.reference.end]
    return Clock(rows[: len(ticks)], nearest(clip.reference.times, ticks))


def look(clip: Clip, clocks: Sequence[Clock], advance: Callable[[int], object]) -> None:
    """Show every watch its frames; ``advance`` hears how many source frames went by."""
    compared = clip.reference if any(clock.reference is not None for clock in clocks) else None
    with ExitStack() as stack:
        window = Window(stack.enter_context(closing(decode(compared)))) if compared else None
        first = 0
        for frames in stack.enter_context(closing(decode(clip))):
            end = first + len(frames)
            ticks = [clock.between(first, end) for clock in clocks]
            if window is not None:
                window.move(_needed(clocks, ticks))
            for clock, span in zip(clocks, ticks, strict=True):
                _show(clock, span, frames, first, window)
            advance(len(frames))
            first = end


def decode(clip: Clip) -> Generator[Frames]:
    """Chunks of a clip's frames, decoded ahead of their use."""
    width, height = clip.size
    chunk = max(1, min(MOST_FRAMES, CHUNK_BYTES // (3 * width * height)))
    with closing(ahead(read_frames(clip.path, chunk=chunk), depth=1)) as chunks:
        yield from chunks


class Window:
    """The stretch of a video's frames that is wanted just now; it only moves on."""

    def __init__(self, chunks: Iterator[Frames]) -> None:
        self._chunks = chunks
        self._held: list[Frames] = []
        self._first = self._end = 0

    def move(self, rows: Rows) -> None:
        """Make sure of the frames from the least to the greatest of ``rows``, forget older ones."""
        if not len(rows):
            return
        while self._end <= rows.max() and (frames := next(self._chunks, None)) is not None:
            self._held.append(frames)
            self._end += len(frames)
        while len(self._held) > 1 and self._first + len(self._held[0]) <= rows.min():
            self._first += len(self._held.pop(0))

    def take(self, rows: Rows) -> Frames:
        """The frames ``rows``, as many as the video has."""
        found: list[Frames] = []
        first = self._first
        for chunk in self._held:
            inside = rows[(rows >= first) & (rows < first + len(chunk))] - first
            if len(inside):
                found.append(picked(chunk, inside))
            first += len(chunk)
        return found[0] if len(found) == 1 else np.concatenate(found or [self._held[-1][:0]])


def picked(frames: Frames, rows: Rows) -> Frames:
    """The rows of a chunk, without a copy where they follow each other."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return frames[rows[0] : rows[-1] + 1]
    return frames[rows]


def _needed(clocks: Sequence[Clock], ticks: Sequence[slice]) -> Rows:
    rows = [c.reference[t] for c, t in zip(clocks, ticks, strict=True) if c.reference is not None]
    return np.concatenate(rows)


def _show(clock: Clock, span: slice, frames: Frames, first: int, window: Window | None) -> None:
    shown, other = picked(frames, clock.rows[span] - first), None
    if not len(shown):
        return
    if clock.reference is not None and window is not None:
        other = window.take(clock.reference[span])
        shown = shown[: len(other)]  # a damaged reference can end before its times do
    passage = Passage(np.arange(span.start, span.start + len(shown)), shown, other)
    for watch in clock.watches:
        watch.see(passage)
