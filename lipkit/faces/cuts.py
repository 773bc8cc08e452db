"""Scene cuts, found on thumbnails in constant memory."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

THUMBNAIL = (48, 27)
BINS = 24
RECENT = 12  # frames that tell how much change is usual right now
STRUCTURE = 0.30  # one minus the thumbnails' correlation; twice this is a cut by itself
TONES = 0.30  # share of pixels whose tone is gone
ABOVE_USUAL = 4.0  # a cut changes this many times more than the frames before it: pans do not


class CutDetector:
    """Tells which frames begin a new shot; hand it a video's frames in order, in any chunks.

    A cut changes the picture's structure (correlation of luma thumbnails, blind to flashes and
    fades of exposure) or its tones (histograms, blind to motion) far more than the frames before.
    """

    def __init__(self) -> None:
        self._last: tuple[NDArray[Any], NDArray[Any]] | None = None
        self._usual: deque[float] = deque(maxlen=RECENT)

    def feed(self, frames: Frames) -> NDArray[np.bool_]:
        """Whether each of ``frames (f, h, w, 3)`` begins a shot ``(f,)``; the very first does."""
        return np.array([self._begins(frame) for frame in frames], np.bool_)

    def _begins(self, frame: NDArray[Any]) -> bool:
        thumbnail, tones = _signature(frame)
        last, self._last = self._last, (thumbnail, tones)
        if last is None:
            return True
        structure = 1.0 - _correlation(thumbnail, last[0])
        shift = 1.0 - float(np.minimum(tones, last[1]).sum())
        change = structure + shift
        usual = float(np.median(self._usual)) if self._usual else 0.0
        strong = (
            structure > 2 * STRUCTURE
            or (structure > STRUCTURE and shift > TONES / 3)
            or (shift > TONES and structure > STRUCTURE / 3)
        )
        if strong and change > ABOVE_USUAL * usual:
            self._usual.clear()
            return True
        self._usual.append(change)
        return False


def _signature(frame: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Luma thumbnail (h, w) and its tone histogram, which sums to one."""
    step = max(1, min(frame.shape[0] // 108, frame.shape[1] // 192))
    thin = np.ascontiguousarray(frame[::step, ::step])
    luma = cv2.cvtColor(thin, cv2.COLOR_RGB2GRAY)
    thumbnail = cv2.resize(luma, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
    counts, _ = np.histogram(thumbnail, bins=BINS, range=(0, 256))
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), "same")
    return thumbnail, smooth / max(float(smooth.sum()), 1e-9)


def _correlation(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Pearson correlation of two thumbnails; flat ones are alike if both are flat."""
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    floor = first.size * 1.0  # one grey level of noise has no structure
    if norm < floor:
        return 1.0 if abs(float(np.linalg.norm(a) - np.linalg.norm(b))) < floor**0.5 * 4 else 0.0
    return float((a * b).sum() / norm)
