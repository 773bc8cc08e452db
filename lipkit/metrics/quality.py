"""Measures of material: sound, sharpness and the face's place, as pure functions over arrays.

They make up the data-quality scores, and can serve as filters of a data set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]
    Segments = Sequence[tuple[int, int]]

RATE = 16000
CAP = 100.0  # decibels
SHORTEST = 0.2  # seconds of speech and of its absence that a ratio needs
FACE_SIDE = 256  # pixels of a face that is looked at
FULL = 0.999  # of full scale and beyond counts as clipped


def mask_of(segments: Segments, count: int) -> NDArray[np.bool_]:
    """Where segments of samples ``(start, end)`` lie in a sound of ``count`` samples."""
    mask = np.zeros(count, np.bool_)
    for start, end in segments:
        mask[max(0, start) : end] = True
    return mask


def powers(wave: Array, speech: Array) -> tuple[float, float]:
    """Mean square of ``wave (n,)`` where somebody speaks, and elsewhere."""
    power = wave.astype(np.float64) ** 2
    return float(power[speech].mean()), float(power[~speech].mean())


def snr(wave: Array, speech: Array, rate: int = RATE) -> float | None:
    """Signal-to-noise ratio in dB of ``wave (n,)``; ``speech (n,)`` says where somebody speaks.

    None where speech or its absence is too short to tell, or the rest louder than the speech.
    """
    spoken = int(speech.sum())
    if min(spoken, len(speech) - spoken) < SHORTEST * rate:
        return None
    loud, noise = powers(wave, speech)
    if loud <= noise:
        return None
    if noise <= 0 or loud - noise >= noise * 10 ** (CAP / 10):
        return CAP
    return float(10 * np.log10((loud - noise) / noise))


def peak(wave: Array) -> float:
    """Largest sample in dB of full scale; digital silence is -120."""
    return float(20 * np.log10(max(float(np.abs(wave).max(initial=0.0)), 1e-6)))


def clipping(wave: Array) -> float:
    """Share of samples at full scale that are not alone there: what a limiter cuts off."""
    full = np.abs(wave) >= FULL
    beside = np.zeros_like(full)
    beside[1:] |= full[:-1]
    beside[:-1] |= full[1:]
    return float((full & beside).mean()) if len(wave) else 0.0


def inside(image: Frames, box: Array) -> Frames:
    """The part of ``image (h, w, 3)`` in ``box (4,)``; empty where the box lies outside."""
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(box[:2]), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(box[2:]), 0, (width, height)).astype(int)
    return image[y0:y1, x0:x1]


def portrait(image: Frames, box: Array) -> Frames | None:
    """The luma ``(256, 256)`` of the face in ``box (4,)``; None if the box holds no pixels."""
    import cv2

    part = inside(image, box)
    if min(part.shape[:2]) < 2:
        return None
    luma = cv2.cvtColor(np.ascontiguousarray(part), cv2.COLOR_RGB2GRAY)
    shrunk = max(part.shape[:2]) > FACE_SIDE
    how = cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, (FACE_SIDE, FACE_SIDE), interpolation=how))


def sharpness(face: Frames) -> float:
    """Variance of the Laplacian of a luma picture ``(h, w)``: high where edges are crisp."""
    import cv2

    return float(cv2.Laplacian(face, cv2.CV_64F).var())


def change(face: Frames, before: Frames) -> float:
    """Mean absolute difference of two luma pictures, grey levels."""
    return float(np.abs(face.astype(np.int16) - before).mean())


def face_size(boxes: Array) -> Array:
    """Side ``(f,)`` of squares as large as the boxes ``(f, 4)``, pixels."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(np.sqrt(sides.prod(-1)))
