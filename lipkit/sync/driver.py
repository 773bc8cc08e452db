"""The second pass: frames decoded, edited by several threads and handed on in order, streamed.

The memory in use depends on the size of a frame, not on the number of frames.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from lipkit.flow import ahead
from lipkit.sync.cast import Role, same_face, speaking
from lipkit.sync.clock import Clock, pieces
from lipkit.sync.source import Source, regroup

if TYPE_CHECKING:
    from lipkit.protocols import Editor, Pixels
    from lipkit.sync.journal import Journal

Given = TypeVar("Given")
Made = TypeVar("Made")

AHEAD = 2  # chunks decoded before they are asked for
# Beside the chunks that are edited, and what comes of them: chunks that are being decoded, wait in
# the queues at both ends, or are being cut anew or encoded.
UNDERWAY = 2 * AHEAD + 4
BASE_BYTES = 550 << 20  # interpreter, libraries, a small model and its tracker
TRACKING_BYTES = 48 << 10  # a frame: 478 landmarks in double precision, and copies of them
EDITING_BYTES = 12 << 10  # a frame: landmarks, once as they are, once for the editor


@runtime_checkable
class Windowed(Protocol):
    """An editor that must see all frames of a window of ``beat`` seconds at once."""

    beat: Fraction


@dataclass(frozen=True)
class Performance:
    """An editor, the voice that it heard, and who is to speak with it."""

    editor: Editor
    voice: Any
    cast: Sequence[Role]

    @property
    def beat(self) -> Fraction | None:
        """The window that the editor needs, in seconds."""
        return self.editor.beat if isinstance(self.editor, Windowed) else None

    def edit(self, frames: Pixels, rows: Sequence[int], times: Sequence[Fraction]) -> Pixels:
        """The frames with the lips of whoever speaks in them; the others as they are."""
        for number, role in enumerate(self.cast):
            picked = self._unedited(number, speaking(role, rows, times), rows, times)
            if not picked:
                continue
            edited = self.editor.edit(
                frames[picked] if len(picked) < len(frames) else frames,
                [rows[k] for k in picked],
                [times[k] for k in picked],
                role.track,
                self.voice if role.voice is None else role.voice,
                role.study,
            )
            if edited.shape[1:] != frames.shape[1:] or edited.dtype != frames.dtype:
                raise ValueError(f"{self.editor.name} changed the frames' shape or type")
            if len(picked) < len(frames):
                frames = frames.copy()
                frames[picked] = edited
            else:
                frames = edited
        return frames

    def _unedited(
        self, number: int, picked: list[int], rows: Sequence[int], times: Sequence[Fraction]
    ) -> list[int]:
        """Those ``picked`` in which no earlier role speaks with the very face of this one.

        Alone in a picture, somebody is its left and its right face.
        """
        role = self.cast[number]
        for earlier in self.cast[:number]:
            picked = [
                k
                for k in picked
                if not (
                    earlier.speaks(rows[k], times[k])
                    and same_face(earlier.track, role.track, rows[k])
                )
            ]
        return picked


def perform(
    source: Source,
    clock: Clock,
    performance: Performance,
    *,
    threads: int = 1,
    journal: Journal | None = None,
) -> Iterator[Pixels]:
    """Chunks of finished frames, in order, one for each of the clock's.

    With a ``journal`` what it already holds is not edited again, and what is edited is kept.
    """
    cuts = list(pieces(clock, source.chunk, performance.beat))

    def finish(work: tuple[int, int, Pixels]) -> Pixels:
        first, end, frames = work
        if journal is not None and journal.holds(first, end):
            return journal.apply(first, frames)
        return performance.edit(frames, clock.rows[first:end], clock.times[first:end])

    # A window is many chunks: one ahead is enough, and it is handed on in pieces.
    depth = AHEAD if performance.beat is None else 1
    with contextlib.closing(ahead(decoded(source, clock, cuts), depth)) as given:
        try:
            for (first, end, frames), made in in_order(finish, given, threads):
                if journal is not None and not journal.holds(first, end):
                    journal.keep(first, frames, made)
                for k in range(0, len(made), source.chunk):
                    yield made[k : k + source.chunk]
        finally:
            if journal is not None:
                journal.flush()


def decoded(
    source: Source, clock: Clock, cuts: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, Pixels]]:
    """The clock's frames in pieces, each with its first place and the one after its last."""
    frames = regroup(source.play(clock.rows), iter(cuts))
    for (first, end), chunk in zip(cuts, frames, strict=True):
        yield first, end, chunk


def in_order(
    work: Callable[[Given], Made], things: Iterable[Given], threads: int
) -> Iterator[tuple[Given, Made]]:
    """Each thing with what ``work`` makes of it in one of ``threads`` threads, in order."""
    if threads <= 1:
        for thing in things:
            yield thing, work(thing)
        return
    pool = ThreadPoolExecutor(threads)
    waiting: deque[tuple[Given, Future[Made]]] = deque()
    try:
        for thing in things:
            waiting.append((thing, pool.submit(work, thing)))
            if len(waiting) > threads:
                thing, future = waiting.popleft()
                yield thing, future.result()
        while waiting:
            thing, future = waiting.popleft()
            yield thing, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def memory(source: Source, frames: int, threads: int) -> int:
    """About how many bytes a sync of so many source frames takes at its peak, ffmpeg's aside."""
    chunks = (UNDERWAY + 2 * (threads + 1)) * source.chunk * source.frame_bytes
    return BASE_BYTES + max(frames * TRACKING_BYTES, frames * EDITING_BYTES + chunks)
