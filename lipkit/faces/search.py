"""Looking for faces with MediaPipe's two bundled detectors, at several scales and turns."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.faces.quiet import quiet
from lipkit.faces.warping import overlap, transform

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Frames

    Array = NDArray[Any]

REDUCED_SIDE = 1600  # longest side of the copy in which faces are looked for
SHORT_SIDE, FULL_SIDE = 256, 384  # what the detectors get: about twice their own input
BOX_TO_CROP = 1.5 * 1.1  # detection boxes end at the brows
DUPLICATE = 0.4


@dataclass(frozen=True)
class Candidate:
    """Something that looks like a face: eyes, centre and side in source pixels, score 0..1."""

    eyes: Array
    centre: Array
    side: float
    score: float

    def matrix(self, size: int) -> Array:
        """Source-to-crop matrix of the upright square of ``size`` around the candidate."""
        across = self.eyes[1] - self.eyes[0]
        angle = float(np.arctan2(across[1], across[0]))
        k = size / (self.side * BOX_TO_CROP)
        c, s = k * np.cos(angle), k * np.sin(angle)
        linear = np.array([[c, s], [-s, c]])
        return np.concatenate([linear, (size - 1) / 2 - (linear @ self.centre)[:, None]], 1)

    @property
    def box(self) -> Array:
        """x0 y0 x1 y1."""
        half = self.side / 2
        return np.concatenate([self.centre - half, self.centre + half])


@lru_cache(maxsize=2)
def _detector(full_range: bool) -> Any:
    with quiet():
        from mediapipe.python.solutions.face_detection import FaceDetection

        net = FaceDetection(min_detection_confidence=0.25, model_selection=int(full_range))
        net.process(np.zeros((64, 64, 3), np.uint8))
    return net


def search(image: Frames, thorough: bool) -> Iterator[list[Candidate]]:
    """Ever finer looks for faces in ``image (h, w, 3)``: lists of candidates, best first.

    The first look takes the picture as a whole. ``thorough`` goes on with overlapping tiles, for
    small faces, and with the picture turned by quarters; stop it once a candidate proves a face.
    """
    reduced, back = _reduced(image, REDUCED_SIDE)
    coarse = _whole(reduced) + (_tiles(reduced, 2) if thorough else [])
    yield _distinct(coarse, back)
    if not thorough:
        return
    yield _distinct(_tiles(reduced, 4), back)
    for quarters in (1, 3, 2):
        yield _distinct(_turned(reduced, quarters), back)
    if max(image.shape[:2]) > REDUCED_SIDE:
        reduced, back = _reduced(image, 2 * REDUCED_SIDE)
        yield _distinct(_tiles(reduced, 8), back)


def _reduced(image: Array, side: int) -> tuple[Array, Array]:
    """The picture no larger than ``side``, and the matrix back."""
    height, width = image.shape[:2]
    shrink = side / max(height, width)
    if shrink >= 1:
        return image, np.eye(2, 3)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    x, y = width / size[0], height / size[1]
    back = np.array([[x, 0, x / 2 - 0.5], [0, y, y / 2 - 0.5]])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), back


def certainty(crop: Array) -> float:
    """How sure the near-range detector is of an upright face that fills ``crop``."""
    return max((candidate.score for candidate in _run(crop, False)), default=0.0)


def _whole(image: Array) -> list[Candidate]:
    return _run(image, False) + _run(image, True)


def _tiles(image: Array, parts: int) -> list[Candidate]:
    """Candidates in half-overlapping tiles of ``1/parts`` of the picture's longer side."""
    height, width = image.shape[:2]
    side = max(64, max(height, width) // parts)
    found = []
    for y in range(0, max(height - side // 2, 1), side // 2):
        for x in range(0, max(width - side // 2, 1), side // 2):
            tile = image[y : y + side, x : x + side]
            shift = np.array([[1.0, 0, x], [0, 1.0, y]])
            found += [_moved(candidate, shift) for candidate in _run(tile, True)]
    return found


def _turned(image: Array, quarters: int) -> list[Candidate]:
    """Candidates in the picture turned counter-clockwise, in coordinates of the upright one."""
    height, width = image.shape[:2]
    turned = np.ascontiguousarray(np.rot90(image, quarters))
    back = {
        1: np.array([[0.0, -1, width - 1], [1, 0, 0]]),
        2: np.array([[-1.0, 0, width - 1], [0, -1, height - 1]]),
        3: np.array([[0.0, 1, 0], [-1, 0, height - 1]]),
    }[quarters]
    return [_moved(candidate, back) for candidate in _whole(turned)]


def _run(image: Array, full_range: bool) -> list[Candidate]:
    """What one detector sees in the whole of ``image``."""
    height, width = image.shape[:2]
    side = FULL_SIDE if full_range else SHORT_SIDE
    shrink = side / max(height, width)
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _detector(full_range).process(small).detections or []
    scale = np.array([width, height], np.float64)
    return [_candidate(detection, scale) for detection in found]


def _candidate(detection: Any, scale: Array) -> Candidate:
    place = detection.location_data
    box = place.relative_bounding_box
    centre = np.array([box.xmin + box.width / 2, box.ymin + box.height / 2]) * scale - 0.5
    side = float(max(box.width * scale[0], box.height * scale[1]))
    eyes = np.array([(p.x, p.y) for p in place.relative_keypoints[:2]]) * scale - 0.5
    return Candidate(eyes, centre, side, float(detection.score[0]))


def _moved(candidate: Candidate, matrix: Array) -> Candidate:
    grow = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    centre = transform(candidate.centre[None], matrix)[0]
    return Candidate(
        transform(candidate.eyes, matrix), centre, candidate.side * grow, candidate.score
    )


def _distinct(found: list[Candidate], back: Array) -> list[Candidate]:
    """The best-scored of candidates that overlap, moved by ``back``."""
    kept: list[Candidate] = []
    for candidate in sorted((_moved(c, back) for c in found), key=lambda c: -c.score):
        boxes = np.array([other.box for other in kept]).reshape(-1, 4)
        if not kept or float(overlap(candidate.box[None], boxes).max()) < DUPLICATE:
            kept.append(candidate)
    return kept
