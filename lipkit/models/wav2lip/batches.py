"""How the official code prepares faces: boxes smoothed in place, plain resizing, loops.

Kept to the letter for comparisons. What this brings, double mouths and cut-off ends of sound, is no
part of lipkit's own way to the same network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.models.wav2lip.generator import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

SPAN = 5


def smoothed(boxes: Array, span: int = SPAN) -> Array:
    """Whole-numbered boxes ``(f, 4)``, each the mean of itself and the next ones, cut off.

    Means are taken in place: near the end, where fewer boxes follow, they are of the last ``span``,
    some of which are means already.
    """
    boxes = boxes.copy()
    for k in range(len(boxes)):
        start = min(k, max(len(boxes) - span, 0))
        boxes[k] = boxes[start : start + span].mean(0).astype(boxes.dtype)
    return boxes


def batches(frames: Array, boxes: Array, mels: Array, size: int) -> Iterator[tuple[Array, Array]]:
    """Batches of faces ``(b, 96, 96, 6)`` in 0..1 and of mels ``(b, 80, 16, 1)``.

    One for each of ``mels (n, 80, 16)``. Frames ``(f, h, w, 3)`` with boxes x0 y0 x1 y1
    ``(f, 4)`` begin anew where they end.
    """
    for first in range(0, len(mels), size):
        heard = mels[first : first + size]
        rows = [(first + k) % len(frames) for k in range(len(heard))]
        whole = np.stack([face_of(frames[row], boxes[row]) for row in rows])
        upper = whole.copy()
        upper[:, SIDE // 2 :] = 0
        yield np.concatenate([upper, whole], 3) / np.float32(255), heard[..., None]


def face_of(frame: Array, box: Array) -> Array:
    """The face ``(96, 96, 3)`` in a box x0 y0 x1 y1 of a frame, squeezed to a square."""
    x0, y0, x1, y1 = (int(value) for value in box)
    return np.asarray(cv2.resize(frame[y0:y1, x0:x1], (SIDE, SIDE)))
