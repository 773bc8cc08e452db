"""Whether motion has its beats where the sound has them (Bailando, Siyao et al., CVPR 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin, find_peaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

SIGMA = 5  # frames over which velocity is smoothed
TOLERANCE = 18.0  # twice the square of three frames
SAMPLES = 640  # of sound in a frame at 25 fps
CLOSEST = 5  # frames between two onsets
PROMINENCE = 0.5  # of an onset, in standard deviations of the rise of the level


def speed(points: Array) -> Array:
    """Mean displacement ``(f - 1,)`` of points ``(f, k, d)`` from frame to frame."""
    return np.asarray(np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(-1))


def motion_beats(speeds: Array) -> Array:
    """Frames ``(n,)`` at which smoothed motion pauses: strict minima of the speed."""
    if len(speeds) < 3:
        return np.zeros(0, np.int64)
    return np.asarray(argrelmin(gaussian_filter1d(speeds, SIGMA))[0])


def without_gaps(speeds: Array) -> Array:
    """Speeds ``(f,)`` with missing ones interpolated; empty if all are missing."""
    known = np.isfinite(speeds)
    if not known.any():
        return np.zeros(0)
    frames = np.arange(len(speeds))
    return np.interp(frames, frames[known], speeds[known])


def levels(wave: Array) -> Array:
    """RMS ``(f,)`` of each frame's 640 samples of ``wave (n,)``."""
    frames = len(wave) // SAMPLES
    blocks = wave[: frames * SAMPLES].reshape(frames, SAMPLES).astype(np.float64)
    return np.asarray(np.sqrt((blocks**2).mean(-1)))


def sound_beats(wave: Array) -> Array:
    """Frames ``(n,)`` at 25 fps in which the level of 16 kHz ``wave (n,)`` rises most."""
    level = levels(wave)
    if len(level) < 3:
        return np.zeros(0, np.int64)
    rise = np.maximum(np.diff(level, prepend=level[:1]), 0)
    if rise.std() < 1e-9:
        return np.zeros(0, np.int64)
    found, _ = find_peaks(rise, distance=CLOSEST, prominence=PROMINENCE * rise.std())
    return np.asarray(found)


def alignment(beats: Array, nearest_to: Array) -> float | None:
    """Mean of ``exp(-d^2 / 18)`` over ``beats``, d frames from the nearest of the other beats.

    None without beats; 0 where the other side has none, as a motion that never pauses.
    """
    if not len(beats):
        return None
    if not len(nearest_to):
        return 0.0
    gap = np.abs(np.asarray(beats)[:, None] - np.asarray(nearest_to)[None]).min(-1)
    return float(np.exp(-(gap.astype(np.float64) ** 2) / TOLERANCE).mean())
