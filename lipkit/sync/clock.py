"""Which source frame is seen when: exact counts and time stamps for constant and variable rates.

All times are fractions of a second on the picture's own clock, on which the new sound begins at 0.
Nothing is multiplied by a rounded frame rate, so nothing drifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, cycle, pairwise, repeat
from typing import Literal

Length = Literal["longest", "video", "audio", "shortest"]
Extend = Literal["pingpong", "loop", "hold"]

# Sound this much longer than the picture is a codec's padding or a slow cut, not more speech.
LATITUDE = Fraction(1, 4)


@dataclass(frozen=True)
class Clock:
    """Output frame ``i`` is source frame ``rows[i]``, shown at ``times[i]``, the last till ``end``.

    ``whole`` of them show each source frame once, in order; the others extend the picture.
    """

    rows: tuple[int, ...]
    times: tuple[Fraction, ...]
    end: Fraction
    whole: int

    def __len__(self) -> int:
        return len(self.rows)


def durations(times: Sequence[Fraction], fps: Fraction) -> list[Fraction]:
    """How long each source frame is seen; the last one as long as the one before it."""
    gaps = [after - before for before, after in pairwise(times)]
    return [*gaps, gaps[-1] if gaps else 1 / fps]


def lay(
    times: Sequence[Fraction],
    fps: Fraction,
    sound: Fraction,
    length: Length = "longest",
    extend: Extend = "pingpong",
) -> Clock:
    """The clock of a picture with frames at ``times`` under ``sound`` seconds of sound.

    ``video`` keeps all frames, whatever the sound does. ``audio`` ends with the sound: a frame of
    which more than half is heard stays. ``shortest`` ends with whichever ends first. ``longest``
    keeps all frames and extends them where the sound goes on for more than ``LATITUDE``.
    """
    spans = durations(times, fps)
    picture = times[-1] + spans[-1]
    if length == "longest":
        length = "audio" if sound > picture + LATITUDE else "video"
    if length == "video" or (length == "shortest" and sound >= picture):
        return Clock(tuple(range(len(times))), tuple(times), picture, len(times))
    heard = [row for row in range(len(times)) if times[row] + spans[row] / 2 < sound]
    rows = list(range(max(1, len(heard))))
    shown = list(times[: len(rows)])
    end = shown[-1] + spans[rows[-1]]
    whole = len(rows)
    if whole == len(times):
        for row in onward(len(times), extend):
            if end + spans[row] / 2 >= sound:
                break
            rows.append(row)
            shown.append(end)
            end += spans[row]
    return Clock(tuple(rows), tuple(shown), end, whole)


def onward(frames: int, extend: Extend) -> Iterator[int]:
    """The source frames after the last of ``frames``, without end."""
    if extend == "hold" or frames == 1:
        return repeat(frames - 1)
    if extend == "loop":
        return cycle(range(frames))
    period = 2 * (frames - 1)  # no frame is seen twice where the direction turns
    return (frames - 1 - abs(k % period - (frames - 1)) for k in count(frames))


def pieces(clock: Clock, size: int, beat: Fraction | None = None) -> Iterator[tuple[int, int]]:
    """Stretches ``(first, end)`` of output frames to edit at once, ends excluded.

    They hold ``size`` frames; with a ``beat`` in seconds, all frames of one beat counted from 0,
    for models that see a window at a time. The cut depends on nothing else, so it is the same
    after an interruption.
    """
    if beat is None:
        yield from ((k, min(k + size, len(clock))) for k in range(0, len(clock), size))
        return
    first = 0
    for k in range(1, len(clock) + 1):
        if k == len(clock) or clock.times[k] // beat != clock.times[first] // beat:
            yield first, k
            first = k


def steady(rows: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Stretches ``(first, end, step)`` of ``rows`` that go on by the same ``step`` of 1, 0, -1."""
    first = 0
    while first < len(rows):
        end, step = first + 1, 1
        if end < len(rows):
            step = rows[end] - rows[first]
        if step not in (1, 0, -1):
            step = 1
        while end < len(rows) and rows[end] - rows[end - 1] == step:
            end += 1
        yield first, end, step
        first = end
