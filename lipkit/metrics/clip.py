"""A video under examination: its times, sound and face, each found out once and when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.errors import BadInput
from lipkit.media.audio import read_wave
from lipkit.media.probe import probe
from lipkit.media.times import frame_times
from lipkit.metrics.tracking import regular, track_face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.media.probe import MediaInfo
    from lipkit.protocols import FaceTrack, Floats, Frames

RATE = 25  # frames a second of whatever joins sound and picture
SAMPLE_RATE = 16000


class Clip:
    """A video with its sound, and the reference that it is compared with, if there is one.

    ``sound`` is heard instead of the video's own; ``still`` is a reference picture ``(h, w, 3)``.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        info: MediaInfo | None = None,
        sound: Path | None = None,
        reference: Clip | None = None,
        still: Frames | None = None,
    ) -> None:
        self.name, self.path = name, path
        self.info = info or probe(path)
        self.sound = sound or path
        self.reference = reference
        self.still = still
        self.advance: Callable[[int], object] = lambda _: None  # hears of frames tracked

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown; nought where there is no picture."""
        return self.info.video.size if self.info.video else (0, 0)

    @property
    def fps(self) -> Fraction:
        """Declared frames a second; 25 where there is no picture."""
        return (self.info.video.fps if self.info.video else Fraction(0)) or Fraction(RATE)

    @cached_property
    def times(self) -> Sequence[Fraction]:
        """Seconds at which each source frame is shown; none without a picture."""
        if self.tracked:
            return self.track.times
        return frame_times(self.path) if self.info.video else ()

    @property
    def frame_count(self) -> int:
        """Source frames."""
        return len(self.times)

    @property
    def end(self) -> Fraction:
        """Seconds at which the last frame goes away."""
        return self.times[-1] + 1 / self.fps if self.times else Fraction(0)

    @cached_property
    def rows25(self) -> NDArray[Any]:
        """Of each frame at 25 a second, the source frame nearest in time ``(f,)``."""
        return nearest(self.times, self.ticks25)

    @property
    def ticks25(self) -> list[Fraction]:
        """Seconds of each frame at 25 a second; the first is at nought, where the sound begins."""
        return [Fraction(k, RATE) for k in range(round(self.end * RATE))]

    @property
    def wave(self) -> Floats | None:
        """The sound ``(n,)`` at 16 kHz, mono; None where there is none, see ``silence``."""
        return self._heard[0]

    @property
    def silence(self) -> str | None:
        """Why there is no ``wave``; None where there is one."""
        return self._heard[1]

    @cached_property
    def _heard(self) -> tuple[Floats | None, str | None]:
        try:
            return read_wave(self.sound, SAMPLE_RATE), None
        except BadInput as problem:
            return None, problem.message.removeprefix(f"{self.sound}: ")

    @cached_property
    def track(self) -> FaceTrack:
        """The largest face in each source frame, in its pixels, lightly smoothed, one quick pass.

        Where ``valid`` is nowhere true there is no face at all.
        """
        return track_face(self.path, self.size, self.fps, self.advance)

    @property
    def tracked(self) -> bool:
        """Whether anybody looked for the face yet."""
        return "track" in self.__dict__

    @cached_property
    def track25(self) -> FaceTrack:
        """The track at 25 frames a second, landmarks interpolated in time within a shot."""
        return regular(self.track, self.ticks25, Fraction(RATE))

    @cached_property
    def picture(self) -> Frames | None:
        """Whom the clip should show ``(h, w, 3)``; None without a reference.

        The reference picture, or the first frame with a face of the reference video.
        """
        if self.still is not None or self.reference is None:
            return self.still
        return self.reference.first_face

    @cached_property
    def first_face(self) -> Frames | None:
        """The first frame that shows a face ``(h, w, 3)``; None if none does."""
        from lipkit.sync.source import Source

        rows = np.flatnonzero(self.track.valid)
        if not len(rows):
            return None
        frames = Source(self.path, self.times, self.size).read([int(rows[0])])
        return np.asarray(next(frames)[0])


def nearest(times: Sequence[Fraction], wanted: Sequence[Fraction]) -> NDArray[Any]:
    """The index of the nearest of ``times`` to each of ``wanted``; both ascend."""
    found = np.zeros(len(wanted), np.int64)
    at = 0
    for k, time in enumerate(wanted):
        while at + 1 < len(times) and abs(times[at + 1] - time) < abs(times[at] - time):
            at += 1
        found[k] = at
    return found
