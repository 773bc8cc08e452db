"""The mouth of a clip and its voice, 25 times a second: opening, loudness, silence."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import binary_erosion

from lipkit.audio.speech import at_rate, silence_of
from lipkit.metrics.lags import PAIRS, speed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import FaceTrack

    Array = NDArray[Any]
    Flags = NDArray[np.bool_]

RATE = 25
SAMPLES = 640  # of sound at 16 kHz to a frame
STILL = 0.006  # standard deviation, in eye distances, of noise on a mouth that does not move
LIPS = (13, 14)  # of FaceMesh: inner edges, in the middle
EYES = (33, 263)  # of FaceMesh: outer corners
SPOKEN = 0.1  # share of speech below which lips and sound have nothing in common
MARGIN = 3  # frames of silence beside speech that do not count: lips move before they are heard
ENOUGH = 10  # frames of speech and of silence that a ratio takes


def aperture(track: FaceTrack) -> Array:
    """Gap of the inner lips over the distance of the outer eye corners ``(f,)``, in the picture.

    NaN where there is no face.
    """
    flat = np.asarray(track.points[:, [*LIPS, *EYES], :2], np.float64)
    gap = np.linalg.norm(flat[:, 0] - flat[:, 1], axis=-1)
    eyes = np.linalg.norm(flat[:, 2] - flat[:, 3], axis=-1)
    seen = np.asarray(track.valid) & (eyes > 0)
    result = np.full(len(gap), np.nan)
    np.divide(gap, eyes, out=result, where=seen)
    return result


def envelope(wave: Array) -> Array:
    """Root mean square ``(f,)`` of each whole frame of ``wave (n,)`` at 16 kHz."""
    count = len(wave) // SAMPLES
    blocks = np.asarray(wave[: count * SAMPLES]).reshape(count, SAMPLES)
    return np.asarray(np.sqrt(np.square(blocks, dtype=np.float64).mean(1)))


def silent(wave: Array, count: int) -> Flags:
    """Whether nobody speaks ``(count,)`` in frames at 25 a second; beyond its end nobody does."""
    quiet = at_rate(silence_of(np.asarray(wave, np.float32)), count, Fraction(RATE))
    return quiet | (np.arange(count) * SAMPLES >= len(wave))


def mute(quiet: Flags) -> str | None:
    """Why sound with these silences ``(f,)`` tells nothing of lips; None if somebody speaks."""
    spoken = float((~quiet).mean()) if len(quiet) else 0.0
    return None if spoken >= SPOKEN else f"silence: speech in {spoken:.1%} of the frames"


def frozen(track: Array) -> str | None:
    """Why nothing can be said of a mouth with this aperture ``(f,)``; None if it moves."""
    known = track[np.isfinite(track)]
    if len(known) < PAIRS:
        return f"a face in {len(known)} frames only"
    if known.std() < STILL:
        return f"frozen face: the mouth's aperture varies by {known.std():.4f} only"
    return None


def silence_ratio(track: Array, quiet: Flags) -> tuple[float | None, int, str | None]:
    """Motion of the mouth in silence over its motion in speech, frames that counted, why not.

    ``track (f,)`` is its aperture. The frames next to speech count for neither.
    """
    moved = speed(track)
    known = np.isfinite(moved)
    calm = binary_erosion(quiet, iterations=MARGIN, border_value=1) & known
    spoken = ~quiet & known
    if calm.sum() < ENOUGH:
        return None, 0, f"no silence to judge: {calm.sum()} frames"
    if spoken.sum() < ENOUGH:
        return None, 0, f"no speech to compare with: {spoken.sum()} frames"
    talking = float(moved[spoken].mean())
    if talking == 0:
        return None, 0, "frozen face: the mouth does not move in speech"
    return float(moved[calm].mean()) / talking, int(calm.sum() + spoken.sum()), None
