"""Latents of a video's faces: drawn window by window, kept in a file, finished from there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lipkit.errors import BadInput
from lipkit.faces.geometry import ticks
from lipkit.flow import ahead
from lipkit.sync.cast import speaking
from lipkit.sync.clock import Clock, pieces
from lipkit.sync.driver import decoded, in_order
from lipkit.sync.source import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.artifacts.latents import Latents
    from lipkit.artifacts.rows import Rows
    from lipkit.faces.geometry import Geometry
    from lipkit.protocols import FaceTrack, Features, Pixels
    from lipkit.sync.cast import Role

    Array = NDArray[Any]


@runtime_checkable
class Drafter(Protocol):
    """A syncer that first draws latents, and then has an autoencoder make crops of them."""

    def draw(
        self, crops: Iterable[Any], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[Any]:
        """Latents ``(f, c, h, w)`` of as many crops as came in."""
        ...

    def finish(self, latents: Any, crops: Any) -> Any:
        """``crops (f, 3, h, w)`` in -1..1 with what the latents show in its place."""
        ...


class Drawer(Protocol):
    """An editor whose latents can be had; see `lipkit.sync.crops.CropEditor`."""

    beat: Fraction

    def draw(
        self,
        frames: Pixels,
        rows: Sequence[int],
        times: Sequence[Fraction],
        voice: Any,
        study: Any,
    ) -> Array:
        """Latents ``(n, c, h, w)`` of the window of those frames, each of which shows the face."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Latents as an editor's voice: it finishes what was drawn, window by window.

    ``places`` leads from a window's first frame on the model's clock to its first row; a window
    has ``span`` rows.
    """

    rows: Rows
    places: Mapping[int, int]
    span: int

    def window(self, first: int) -> Array:
        """Latents ``(span, c, h, w)`` of the window that begins with the model's frame ``first``.

        BadInput where there are none, or where they are no numbers.
        """
        if first not in self.places:
            raise BadInput(f"{self.rows.path}: no latents for the model's frame {first}")
        found = self.rows.read(self.places[first], self.places[first] + self.span)
        if not np.isfinite(found).all():
            raise BadInput(f"{self.rows.path}: latents of frame {first} that are no numbers")
        return found


def windows(clock: Clock, source: Source, beat: Fraction, role: Role) -> list[tuple[int, int]]:
    """Stretches ``(first, end)`` of output frames, one window each, in which ``role`` is edited."""
    cuts = pieces(clock, source.chunk, beat)
    return [cut for cut in cuts if edited(clock, *cut, role)]


def edited(clock: Clock, first: int, end: int, role: Role) -> list[int]:
    """Which frames from ``first`` until before ``end`` are edited, as places from ``first`` on."""
    rows = clock.rows[first:end]
    speaks = speaking(role, rows, clock.times[first:end])
    return [k for k in speaks if role.study.weight[rows[k]] > 0]


def first_frames(clock: Clock, cuts: Sequence[tuple[int, int]], fps: Fraction, size: int) -> Array:
    """The model's frame ``(w,)`` that each window of ``size`` frames begins with."""
    beat = size / fps
    starts = [int(clock.times[first] // beat) * size for first, _ in cuts]
    return np.array(starts, np.int64)


def draw(
    source: Source, clock: Clock, drawer: Drawer, voice: Any, role: Role, threads: int
) -> Iterator[Array]:
    """Latents ``(n, c, h, w)`` of each of the `windows`, in order, in constant memory."""
    cuts = list(pieces(clock, source.chunk, drawer.beat))

    def drawn(work: tuple[int, int, Pixels]) -> Array | None:
        first, end, frames = work
        seen = edited(clock, first, end, role)
        if not seen:
            return None
        rows, times = clock.rows[first:end], clock.times[first:end]
        given = [rows[k] for k in seen], [times[k] for k in seen]
        return drawer.draw(frames[seen], *given, voice, role.study)

    with contextlib.closing(ahead(decoded(source, clock, cuts), 1)) as given:
        for _, made in in_order(drawn, given, threads):
            if made is not None:
                yield made


def kept_clock(clock: Clock) -> tuple[dict[str, Array], dict[str, Any]]:
    """A clock as tensors and facts of a latents file."""
    beat, base = ticks([*clock.times, clock.end])
    tensors = {"rows": np.asarray(clock.rows, np.int32), "ticks": beat}
    return tensors, {"tick": str(base), "whole": clock.whole}


def clock_of(latents: Latents) -> Clock:
    """The clock that a latents file keeps; ValueError or KeyError where it is damaged."""
    base = Fraction(latents.facts["tick"])
    times = [int(tick) * base for tick in latents.tensors["ticks"]]
    rows = tuple(int(row) for row in latents.tensors["rows"])
    if len(times) != len(rows) + 1 or not 0 <= min(rows) <= max(rows) < len(latents.geometry):
        raise ValueError("a clock that does not fit the frames")
    return Clock(rows, tuple(times[:-1]), times[-1], int(latents.facts["whole"]))


def places_of(latents: Latents, rows: Rows) -> Drawn:
    """Where each window's latents lie; ValueError or KeyError where the file is damaged."""
    starts = [int(start) for start in latents.tensors["starts"]]
    span = int(latents.facts["span"])
    if span < 1 or len(starts) * span != len(rows):
        raise ValueError(f"{len(rows)} latents for {len(starts)} windows of {span}")
    offsets = accumulate([0, *[span] * (len(starts) - 1)])
    return Drawn(rows, dict(zip(starts, offsets, strict=True)), span)


def kept_geometry(geometry: Geometry, track: FaceTrack, source: str) -> Geometry:
    """The geometry of a track in the file with the digest ``source``, whose pixels it is in."""
    return replace(
        geometry,
        points=np.asarray(track.points, np.float32),
        valid=np.asarray(track.valid, np.bool_),
        frame_size=track.frame_size,
        source=source,
    )
