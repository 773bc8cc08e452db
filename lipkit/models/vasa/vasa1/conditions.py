"""What the generator is told of a take besides its sound: gaze, distance, emotion.

VASA-1, arXiv:2404.10667, section 3.2: the gaze is the mode of a histogram over the clip, distance
and emotion are means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.errors import WeightsError
from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import EYEBALL_RADIUS
from lipkit.training.data import Footage
from lipkit.training.toys.motion import INDEX
from lipkit.training.toys.takes import Toy

Array = NDArray[Any]

BIN = 4.0  # degrees of a cell of the histogram
WIDEST = 40.0  # degrees
GAZES = [INDEX["gaze_x"], INDEX["gaze_y"]]
SIDE = 224  # of the pictures that emotions are told of
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LOOKS = 8  # frames of a take that emotions are told of


def gazes(take: Footage) -> Array | None:
    """Angles ``(f, 2)`` in degrees of the eyes, to image-right and down; None where unknown."""
    if isinstance(take, Toy):
        return take.motion[:, GAZES]
    if take.scheme != "mediapipe478":
        return None
    away = mesh.gaze(np.asarray(take.points, np.float64)).mean(-2) / EYEBALL_RADIUS
    return np.degrees(np.arcsin(np.clip(away, -1, 1))).astype(np.float32)


def main_gaze(angles: Array) -> Array:
    """The mean ``(2,)`` of the angles ``(f, 2)`` in the fullest cell of their histogram."""
    cells = np.floor(np.clip(angles, -WIDEST, WIDEST) / BIN + 0.5).astype(int)
    kinds, each, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    del kinds
    return np.asarray(angles[each.reshape(-1) == counts.argmax()].mean(0), np.float32)


class Emotions:
    """HSEmotion (Savchenko 2022) in ONNX: the shares of eight classes in faces."""

    def __init__(self, path: Path) -> None:
        try:
            self.net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error:
            hint = "give HSEmotion's enet_b0_8_best_vgaf.onnx"
            raise WeightsError(f"{path}: no ONNX network that OpenCV reads", hint=hint) from None

    def shares(self, take: Footage) -> Array:
        """Mean shares ``(8,)`` over a take's frames."""
        rows = np.flatnonzero(take.valid)
        rows = rows[np.linspace(0, len(rows) - 1, min(LOOKS, len(rows))).astype(int)]
        found = []
        for row in rows:
            face = cut(take.pictures(int(row), int(row) + 1)[0], take.points[row])
            seen = (face.astype(np.float32) / 255 - MEAN) / DEVIATION
            self.net.setInput(seen.transpose(2, 0, 1)[None].astype(np.float32))
            logits = np.asarray(self.net.forward()).reshape(-1)[:8]
            odds = np.exp(logits - logits.max())
            found.append(odds / odds.sum())
        return np.asarray(np.mean(found, 0), np.float32)


def cut(picture: Array, points: Array) -> Array:
    """The box of a face's landmarks ``(k, 2|3)`` in a picture, at the size that is looked at."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    (x0, y0), (x1, y1) = np.maximum(np.floor(low), 0).astype(int), np.ceil(high).astype(int)
    face = picture[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    return np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
