"""The source video as the edit sees it: every frame decoded once, in the order it is shown."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lipkit.errors import BadInput
from lipkit.media.times import TICK
from lipkit.media.video import Pixel, read_timed_frames
from lipkit.sync.clock import steady

if TYPE_CHECKING:
    from lipkit.protocols import Frames, Pixels

CHUNK_BYTES = 16 << 20  # of the frames that are edited at once
MOST_FRAMES = 16
# Reading on is cheaper than seeking when the next frame is at most this many frames away.
WORTH_SEEKING = 60


@dataclass(frozen=True)
class Source:
    """A video whose frames are shown at ``times``, decoded as ``pixel``."""

    path: Path
    times: Sequence[Fraction]
    size: tuple[int, int]
    pixel: Pixel = "rgb24"

    @property
    def frame_bytes(self) -> int:
        """Memory of one decoded frame."""
        return (
            self.size[0]
            * self.size[1]
            * {"rgb24": 3, "rgba": 4, "rgb48": 6, "rgba64": 8}[self.pixel]
        )

    @property
    def chunk(self) -> int:
        """Frames that are worked on at once."""
        return max(1, min(MOST_FRAMES, CHUNK_BYTES // self.frame_bytes))

    def play(self, rows: Sequence[int]) -> Iterator[Pixels]:
        """Chunks ``(f, h, w, c)`` of the source frames ``rows``, in that order.

        Forward stretches are decoded in one go, backward ones piece by piece.
        """
        for first, end, step in steady(rows):
            if step == 1:
                yield from self.span(rows[first], rows[end - 1] + 1)
            elif step == 0:
                yield from self._held(rows[first], end - first)
            else:
                for high in range(rows[first] + 1, rows[end - 1], -self.chunk):
                    low = max(high - self.chunk, rows[end - 1])
                    yield np.concatenate(list(self.span(low, high)))[::-1]

    def span(self, first: int, end: int) -> Iterator[Pixels]:
        """Chunks of the source frames from ``first`` until before ``end``."""
        times, done = self.times, first
        # Half a frame off, so that the clock of a seek in a coarse container cannot miss.
        start = (times[first - 1] + times[first]) / 2 if first else None
        stop = (times[end - 1] + times[end]) / 2 if end < len(times) else None
        parts = read_timed_frames(
            self.path, chunk=self.chunk, start=start, end=stop, pixel=self.pixel
        )
        with contextlib.closing(parts):
            for part in parts:
                done += len(part.frames)
                if done > end:
                    raise BadInput(f"{self.path}: {done} frames where {end} were found before")
                yield part.frames
        if done != end:
            raise BadInput(f"{self.path}: ends at frame {done}, {end} were found before")

    def _held(self, row: int, count: int) -> Iterator[Pixels]:
        still = np.concatenate(list(self.span(row, row + 1)))
        for first in range(0, count, self.chunk):
            yield np.repeat(still, min(self.chunk, count - first), 0)

    def read(self, rows: Sequence[int]) -> Iterator[Frames]:
        """The source frames ``rows``, which ascend, one by one ``(1, h, w, 3)`` in 8 bits."""
        marks = [0, *(k + 1 for k, (a, b) in enumerate(pairwise(rows)) if b - a > WORTH_SEEKING)]
        for first, end in pairwise([*marks, len(rows)]):
            near = rows[first:end]
            if near:
                yield from self._picked(near)

    def _picked(self, rows: Sequence[int]) -> Iterator[Frames]:
        wanted = [self.times[row] for row in rows]
        start = wanted[0] - TICK if rows[0] else None
        # One at a time: decoding ends with the last frame that is wanted.
        parts = read_timed_frames(self.path, chunk=1, start=start, near=wanted)
        done = 0
        with contextlib.closing(parts):
            for part in parts:
                if abs(part.times[0] - wanted[done]) <= TICK:
                    yield part.frames
                    done += 1
                if done == len(wanted):
                    return
        raise BadInput(f"{self.path}: frame {rows[done]} was found before, and is not there now")


def regroup(chunks: Iterator[Pixels], cuts: Iterator[tuple[int, int]]) -> Iterator[Pixels]:
    """The same frames in chunks that begin and end at ``cuts``."""
    held: list[Pixels] = []
    count = 0
    for first, end in cuts:
        while count < end - first:
            held.append(next(chunks))
            count += len(held[-1])
        whole = held[0] if len(held) == 1 else np.concatenate(held)
        yield whole[: end - first]
        held, count = [whole[end - first :]], count - (end - first)
