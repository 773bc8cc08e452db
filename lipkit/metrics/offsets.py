"""How far lips and voice are apart in time: SyncNet's distances, and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import median_filter
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

REACH = 15  # frames that the voice is shifted either way
EPSILON = 1e-6
SMOOTHING = 9  # frames of the median over the confidence of single frames


@dataclass(frozen=True)
class Alignment:
    """The best shift of a voice against lips.

    ``offset`` in frames, positive where the sound comes too early; ``distance`` is LSE-D and
    ``confidence`` LSE-C. ``means (2 reach + 1,)`` are the distances of each shift, the largest
    offset first, and ``frames (n,)`` the confidence of each frame, not smoothed.
    """

    offset: int
    distance: float
    confidence: float
    means: Array
    frames: Array

    @property
    def index(self) -> int:
        """Place of the best shift in ``means``."""
        return len(self.means) // 2 - self.offset

    @property
    def smooth_frames(self) -> Array:
        """The confidence of each frame ``(n,)`` through a median of nine; zeros beyond the ends."""
        return np.asarray(median_filter(self.frames, SMOOTHING, mode="constant"))


def distances(lips: Array, voice: Array, reach: int = REACH) -> Array:
    """Distance ``(n, 2 reach + 1)`` of each embedding of lips from the voices around it.

    ``lips`` and ``voice (n, d)``; beyond its ends the voice is zero. Column i holds the voice of
    ``i - reach`` frames later.
    """
    columns = _columns(lips, voice, reach)
    return columns.T.numpy()


def _columns(lips: Array, voice: Array, reach: int) -> torch.Tensor:
    seen = torch.as_tensor(lips)
    heard = functional.pad(torch.as_tensor(voice), (0, 0, reach, reach))
    shifts = (heard[i : i + len(seen)] for i in range(2 * reach + 1))
    return torch.stack([functional.pairwise_distance(seen, h, eps=EPSILON) for h in shifts])


def align(lips: Array, voice: Array, reach: int = REACH) -> Alignment:
    """The shift at which embeddings ``(n, d)`` of lips and voice lie nearest; n at least 1.

    Of equally near shifts the largest offset counts, as in the official code. So it does where
    everything lies beyond the ends of the voice.
    """
    columns = _columns(lips, voice, reach)
    means = columns.mean(1)
    best = int(means.argmin())
    median = means.median()
    return Alignment(
        offset=reach - best,
        distance=float(means[best]),
        confidence=float(median - means[best]),
        means=means.numpy(),
        frames=(median - columns[best]).numpy(),
    )
