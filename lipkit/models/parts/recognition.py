"""Face recognition networks in ONNX, run by OpenCV: a crop of 112 x 112 in, an embedding out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from lipkit.errors import WeightsError
from lipkit.faces.quiet import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from lipkit.protocols import Frames

SIDE = 112


class Recogniser(Protocol):
    """Tells faces apart."""

    def embed(self, crop: Frames) -> Any:
        """The embedding ``(d,)`` of an RGB crop ``(112, 112, 3)``."""
        ...


class SFace:
    """SFace (Zhong et al. 2021) as the OpenCV zoo has it: 128 numbers."""

    def __init__(self, path: Path) -> None:
        try:
            with quiet():  # OpenCV 5 warns of a target that nobody asked for
                self._net = cv2.FaceRecognizerSF.create(str(path), "")
        except cv2.error:
            raise _unreadable(path) from None

    def embed(self, crop: Frames) -> Any:
        """The embedding ``(128,)`` of an RGB crop."""
        return np.array(self._net.feature(np.ascontiguousarray(crop[..., ::-1])))[0]


class ArcFace:
    """ArcFace (Deng et al. 2019) as InsightFace's packs have it: 512 numbers, RGB in -1..1."""

    def __init__(self, path: Path) -> None:
        try:
            with quiet():
                self._net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error:
            raise _unreadable(path) from None

    def embed(self, crop: Frames) -> Any:
        """The embedding ``(512,)`` of an RGB crop."""
        middle = (127.5, 127.5, 127.5)
        self._net.setInput(cv2.dnn.blobFromImage(crop, 1 / 127.5, (SIDE, SIDE), middle))
        return np.array(self._net.forward()).reshape(-1)


def _unreadable(path: Path) -> WeightsError:
    return WeightsError(f"{path}: no ONNX network that OpenCV reads", hint="import it again")
