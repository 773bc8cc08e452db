"""The offline tracker: MediaPipe's bundled detectors, face mesh and person segmentation.

The face mesh network is run on crops that this file cuts itself (upright, area-averaged, placed by
sub-pixel landmarks) instead of through the stock ``FaceMesh`` solution, whose own cropping aliases
large faces and keeps the network's confidence to itself.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from lipkit.faces import mesh
from lipkit.faces.quiet import quiet
from lipkit.faces.search import Candidate, certainty, search
from lipkit.faces.warping import box_of, invert, overlap, transform, warp
from lipkit.protocols import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Floats, Frames

NET_SIZE = 192  # input of the mesh network
ROI_SCALE = 1.5  # the crop's side over the landmarks' box, as the network was trained
MAX_ROUNDS = 5  # of measuring a newly found face, whose first crop is the coarse detector's
DOUBT = 0.4  # how much of the usual doubt is allowed to finds of finer looks
SETTLED = 0.01  # movement between rounds, in face sizes, that ends them
SEARCH_EVERY = 10  # frames between two searches for further faces while some are tracked
PART_OF_FACE = 0.4  # a find this much smaller than a face beside it is part of that face
SAME_FACE = 0.3  # boxes overlapping more than this hold one face
MIN_SPREAD = 0.3  # a face's width in the crop; less is noise on a plain surface
WIGGLES = ((0.0, 0.0, 1.0), (0.012, 0.007, 1.04), (-0.009, 0.011, 0.97), (0.004, -0.013, 1.01))
SCORE_STREAM = "facelandmarkcpu__face_presence_score"
GRAPH = f"""
input_stream: "image"
input_stream: "roi"
input_side_packet: "with_attention"
output_stream: "landmarks"
output_stream: "{SCORE_STREAM}"
node {{
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}}
"""


class MeshNet:
    """The 478-point network with iris and lip attention, on one upright crop at a time."""

    def __init__(self) -> None:
        with quiet():
            from google.protobuf import text_format  # type: ignore[import-untyped]
            from mediapipe.framework import calculator_pb2
            from mediapipe.framework.formats import rect_pb2
            from mediapipe.python.solution_base import SolutionBase

            config = text_format.Parse(GRAPH, calculator_pb2.CalculatorGraphConfig())
            self._graph = SolutionBase(
                graph_config=config,
                side_inputs={"with_attention": True},
                outputs=["landmarks", SCORE_STREAM],
                # The gate behind the score would drop the points of doubtful faces.
                calculator_params={"facelandmarkcpu__ThresholdingCalculator.threshold": 0.0},
            )
            self._whole = rect_pb2.NormalizedRect(
                x_center=0.5, y_center=0.5, width=1.0, height=1.0, rotation=0.0
            )
            self._run(np.zeros((NET_SIZE, NET_SIZE, 3), np.uint8))

    def _run(self, crop: NDArray[np.uint8]) -> Any:
        return self._graph.process({"image": crop, "roi": self._whole})

    def __call__(self, image: Frames, matrix: NDArray[Any]) -> tuple[Floats, float]:
        """Points ``(478, 3)`` in pixels of ``image`` and the face's probability in that crop."""
        crop = np.ascontiguousarray(warp(image, matrix, (NET_SIZE, NET_SIZE)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._run(crop)
        if found.landmarks is None:
            return np.zeros((mesh.POINTS, 3), np.float32), 0.0
        points = np.array([(p.x, p.y, p.z) for p in found.landmarks.landmark]) * NET_SIZE
        points[:, :2] -= 0.5  # MediaPipe counts from the outer edge of the first pixel
        return transform(points, invert(matrix)).astype(np.float32), getattr(found, SCORE_STREAM)


class MediapipeTracker:
    """Finds faces with MediaPipe's nets, which need no download.

    ``still=False`` follows faces from frame to frame, so frames must come in order; ``still=True``
    takes every frame as a picture of its own and looks for small, turned and many faces.
    """

    name = "mediapipe"
    scheme = "mediapipe478"

    def __init__(self, max_faces: int = 5, still: bool = False, min_score: float = 0.5) -> None:
        self.max_faces = max_faces
        self.still = still
        self.min_score = min_score
        self._net = MeshNet()
        self._known: list[Face] = []
        self._since_search = SEARCH_EVERY

    def reset(self) -> None:
        """Forgets the faces of the last frame, as after a cut."""
        self._known = []
        self._since_search = SEARCH_EVERY

    def detect(self, frames: Frames) -> list[list[Face]]:
        """Faces of each frame of ``frames (f, h, w, 3)``, largest first; points ``(478, 3)``."""
        if self.still:
            return [self._find(frame) for frame in frames]
        found = [self._follow(frame) for frame in frames]
        for i in range(len(frames) - 2, -1, -1):
            found[i] = self._trace_back(frames[i], found[i], found[i + 1])
        return found

    def _find(self, image: Frames) -> list[Face]:
        """Faces of a picture of any size, measured several times and averaged."""
        faces = self._look(image, [], thorough=True)
        return [self._steady(image, face) for face in faces]

    def _follow(self, frame: Frames) -> list[Face]:
        """Faces of the next frame: the known ones where they were, now and then new ones."""
        faces: list[Face] = []
        for known in self._known:
            face = self._measure(frame, roi_matrix(known.points))
            if face is not None and not _taken(face, faces):
                faces.append(face)
        self._since_search += 1
        due = self._since_search >= SEARCH_EVERY and len(faces) < self.max_faces
        if due or not faces:
            # Small faces take a look through tiles, too slow for every frame without a face.
            thorough = due and not faces
            self._since_search = 0 if due else self._since_search
            faces = self._look(frame, faces, thorough)
        self._known = faces
        return _by_size(faces)[: self.max_faces]

    def _trace_back(self, frame: Frames, faces: list[Face], later: list[Face]) -> list[Face]:
        """``faces`` and those of the next frame that were here already but not found."""
        faces = list(faces)
        for face in later:
            if not _taken(face, faces) and len(faces) < self.max_faces:
                earlier = self._measure(frame, roi_matrix(face.points))
                if earlier is not None and not _taken(earlier, faces):
                    faces.append(earlier)
        return _by_size(faces)

    def _look(self, image: Frames, faces: list[Face], thorough: bool) -> list[Face]:
        """``faces`` and further ones, by looks as fine as it takes to find any."""
        looks = search(image, thorough)
        plain = self._confirm(image, next(looks), faces)
        if not thorough or any(self._sure(image, face) for face in plain):
            return plain
        for candidates in looks:
            finer = self._confirm(image, candidates, [])
            finer = [face for face in finer if self._sure(image, face)]
            if finer:
                return finer
        return plain

    def _sure(self, image: Frames, face: Face) -> bool:
        """Whether a detector agrees on the upright crop, as it must to what finer looks bring up.

        The mesh network alone believes in faces on dogs, leaves and the back of heads, and
        reads faces upside down.
        """
        crop = warp(image, roi_matrix(face.points), (NET_SIZE, NET_SIZE))
        return certainty(crop) >= 1 - DOUBT * (1 - self.min_score)

    def _confirm(self, image: Frames, found: list[Candidate], faces: list[Face]) -> list[Face]:
        """``faces`` and those candidates that the mesh network takes for further faces."""
        faces = list(faces)
        for candidate in found:
            face = self._measure(image, candidate.matrix(NET_SIZE))
            if face is None or _taken(face, faces):
                continue
            face = self._converge(image, face)
            if face is not None and not _taken(face, faces):
                faces.append(face)
        return _by_size(faces)[: self.max_faces]

    def _converge(self, image: Frames, face: Face) -> Face | None:
        """The face measured in crops placed by its own landmarks until these stay put."""
        for _ in range(MAX_ROUNDS):
            last = face.points
            found = self._measure(image, roi_matrix(last))
            if found is None:
                return None
            face = found
            side = float((face.box[2:] - face.box[:2]).max())
            if np.linalg.norm((face.points - last)[:, :2], axis=-1).mean() < SETTLED * side:
                break
        return face

    def _measure(self, image: Frames, matrix: NDArray[Any]) -> Face | None:
        points, score = self._net(image, matrix)
        if score < self.min_score or not _plausible(points, matrix):
            return None
        return Face(box_of(points[: mesh.POINTS - 10]).astype(np.float32), points, score)

    def _steady(self, image: Frames, face: Face) -> Face:
        """The face measured in a few slightly shifted crops and averaged: sub-pixel steadiness."""
        rounds = []
        for dx, dy, size in WIGGLES:
            points, _ = self._net(image, roi_matrix(face.points, ROI_SCALE * size, (dx, dy)))
            rounds.append(points)
        points = np.mean(rounds, 0).astype(np.float32)
        return Face(box_of(points[: mesh.POINTS - 10]).astype(np.float32), points, face.score)


def roi_matrix(
    points: NDArray[Any], scale: float = ROI_SCALE, shift: tuple[float, float] = (0.0, 0.0)
) -> NDArray[Any]:
    """Source-to-crop matrix of the upright square that the mesh network wants around a face."""
    across = points[mesh.RIGHT_CORNER, :2] - points[mesh.LEFT_CORNER, :2]
    angle = float(np.arctan2(across[1], across[0]))
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]])
    upright = points[: mesh.POINTS - 10, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    side = max(float((high - low).max()), 1.0) * scale
    centre = (low + high) / 2 + np.array(shift) * side
    k = NET_SIZE / side
    middle = np.full((2, 1), (NET_SIZE - 1) / 2)
    return np.concatenate([k * turn, middle - k * centre[:, None]], 1)


def _plausible(points: NDArray[Any], matrix: NDArray[Any]) -> bool:
    """Whether the mesh fills the crop as a face does and did not run out of it."""
    inside = transform(points[..., :2], matrix)
    spread = (inside.max(0) - inside.min(0)) / NET_SIZE
    centre = inside.mean(0) / NET_SIZE
    return bool((spread > MIN_SPREAD).all() and (np.abs(centre - 0.5) < 0.35).all())


def _taken(face: Face, faces: list[Face]) -> bool:
    """Whether one of ``faces`` is this face, or so much larger that this is its ear or mouth."""
    if not faces:
        return False
    boxes = np.stack([other.box for other in faces])
    if float(overlap(face.box[None], boxes).max()) > SAME_FACE:
        return True
    centre = (face.box[:2] + face.box[2:]) / 2
    sides = boxes[:, 2:] - boxes[:, :2]
    near = np.abs(centre - (boxes[:, :2] + boxes[:, 2:]) / 2) < sides * ROI_SCALE / 2
    larger = sides.max(1) * PART_OF_FACE > float((face.box[2:] - face.box[:2]).max())
    return bool((near.all(1) & larger).any())


def _by_size(faces: list[Face]) -> list[Face]:
    return sorted(faces, key=lambda face: -float(np.prod(face.box[2:] - face.box[:2])))


@lru_cache(maxsize=1)
def _segmenter() -> Any:
    with quiet():
        from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

        net = SelfieSegmentation(model_selection=0)
        net.process(np.zeros((64, 64, 3), np.uint8))
    return net


def person_matte(image: Frames) -> Floats:
    """Where the person is: ``(h, w)`` in 0..1 for ``image (h, w, 3)``, by the selfie network."""
    height, width = image.shape[:2]
    shrink = min(1.0, 1024 / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matte = _segmenter().process(np.ascontiguousarray(small)).segmentation_mask
    matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(matte, 0, 1), np.float32)
