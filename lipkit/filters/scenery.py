"""Whether what is around a person stays the same: a moving camera, a cut that was not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.filters.verdicts import Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

SIDE = 160  # longest side of the copies that are compared
EVERY = 0.2  # seconds between them
HEAD = (1.6, 0.6)  # head and hair around the face's box, in its sides: width, and above it
BODY = 4.0  # width of the body below it, likewise
LEAST = 0.05  # of the picture that must be neither head nor body


class SceneryWatch:
    """Compares what is beside head and body with the first frame's.

    ``boxes (f, 4)`` are the face's, in pixels of frames of ``frame_size``; frames ``fps`` a second.
    """

    def __init__(self, boxes: Array, frame_size: tuple[int, int], fps: float) -> None:
        self._boxes, self._frame_size = boxes, frame_size
        self._step = max(1, round(EVERY * fps))
        self._row = 0
        self._first: tuple[Array, Array] | None = None
        self._changes: list[float] = []

    def see(self, frames: Frames) -> None:
        """Take the next frames ``(f, h, w, 3)``."""
        for frame in frames:
            if self._row % self._step == 0:
                self._look(frame, self._boxes[self._row])
            self._row += 1

    def _look(self, frame: Frames, box: Array) -> None:
        shrink = SIDE / max(self._frame_size)
        width, height = (max(1, round(side * shrink)) for side in self._frame_size)
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        luma = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.int16)
        away = beside(box * shrink, (width, height))
        if self._first is None:
            self._first = luma, away
            return
        both = away & self._first[1]
        if both.mean() >= LEAST:
            self._changes.append(float(np.median(np.abs(luma - self._first[0])[both])))

    @property
    def value(self) -> Value:
        """The largest median change, grey levels; footage that shows no background stays."""
        if not self._changes:
            return Value(None, "next to nothing shows beside head and body", stays=True)
        return Value(max(self._changes))


def beside(box: Array, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where a picture of ``size`` (width, height) shows neither head nor body ``(h, w)``."""
    x0, y0, x1, y1 = (float(v) for v in box)
    middle, width, height = (x0 + x1) / 2, x1 - x0, y1 - y0
    away = np.ones((size[1], size[0]), np.bool_)

    def fill(left: float, top: float, right: float, bottom: float) -> None:
        ends = np.clip([left, top, right, bottom], 0, [*size, *size]).astype(int)
        away[ends[1] : ends[3], ends[0] : ends[2]] = False

    fill(middle - HEAD[0] * width / 2, y0 - HEAD[1] * height, middle + HEAD[0] * width / 2, y1)
    fill(middle - BODY * width / 2, y1, middle + BODY * width / 2, float(size[1]))
    return away
