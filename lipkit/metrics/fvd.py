"""FVD in its recipes: how far a set of clips lies from real ones, by a network for actions.

Unterthiner et al. 2018, arXiv:1812.01717: the Frechet distance of I3D's 400 logits, one vector a
clip. The recipes differ in which frames of a clip they take, how they cut and scale them, and in
the range of their values, so their numbers cannot be compared.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lipkit.metrics import frechet
from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Measure, Passage, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames

    Array = NDArray[Any]
    Tensors = Mapping[str, Array]

SIDE = 224
CLASSES = 400
TORCHSCRIPT, VIDEOGPT = "i3d-kinetics400", "i3d-videogpt"


def centred(frames: Frames) -> Array:
    """Frames as ``(3, f, 224, 224)`` in -1..1: short side to 224, bilinear, centre cut out.

    Nothing is averaged on the way down, as in StyleGAN-V's and VideoGPT's scripts.
    """
    import torch
    from torch.nn import functional

    height, width = frames.shape[1:3]
    scale = SIDE / min(height, width)
    size = (SIDE, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), SIDE)
    video = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255
    video = functional.interpolate(video, size, mode="bilinear", align_corners=False)
    top, left = (video.shape[2] - SIDE) // 2, (video.shape[3] - SIDE) // 2
    cut = video[:, :, top : top + SIDE, left : left + SIDE]
    return np.asarray(((cut - 0.5) * 2).transpose(0, 1).numpy())


def cut_out(frame: Frames, box: Sequence[int]) -> Frames:
    """The part x0 y0 x1 y1 of a frame as ``(224, 224, 3)``, by area, as LatentSync has it."""
    import cv2

    left, top, right, bottom = box
    cut = frame[top:bottom, left:right]
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


@cache
def _detector() -> Any:
    from lipkit.faces.quiet import quiet

    with quiet():
        from mediapipe.python.solutions.face_detection import FaceDetection

        net = FaceDetection(model_selection=0, min_detection_confidence=0.5)
        net.process(np.zeros((64, 64, 3), np.uint8))
    return net


def face_box(frame: Frames) -> tuple[int, int, int, int] | None:
    """MediaPipe's first face x0 y0 x1 y1 in a frame ``(h, w, 3)``, clipped; None without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what MediaPipe uses of protobuf
        found = _detector().process(np.ascontiguousarray(frame)).detections
    if not found:
        return None
    near = found[0].location_data.relative_bounding_box
    height, width = frame.shape[:2]
    left, top = max(0, int(near.xmin * width)), max(0, int(near.ymin * height))
    right = min(width, left + int(near.width * width))
    bottom = min(height, top + int(near.height * height))
    return (left, top, right, bottom) if right > left and bottom > top else None


def faces(frames: Frames, steady: bool = False) -> Array | None:
    """Faces as ``(3, f, 224, 224)`` in 0..1, not shifted; None where a frame shows none.

    LatentSync cuts each frame at its own box; ``steady`` cuts all at the mean of their boxes.
    """
    boxes = [box for frame in frames if (box := face_box(frame))]
    if len(boxes) < len(frames):
        return None
    if steady:
        boxes = [tuple(np.rint(np.mean(boxes, 0)).astype(int).tolist())] * len(frames)
    cut = [cut_out(frame, box) for frame, box in zip(frames, boxes, strict=True)]
    return np.stack(cut).transpose(3, 0, 1, 2).astype(np.float32) / 255


@cache
def network(name: str) -> Any:
    """I3D by the name of its weights, on the best device there is."""
    from lipkit import runtime
    from lipkit.models.parts import checkpoint, weights
    from lipkit.models.parts.i3d import Graph, I3d

    device, path = runtime.choose().device, weights.locate(name)
    if name == TORCHSCRIPT:
        return Graph(path, device)
    found = I3d()
    checkpoint.load(found, path)
    return found.eval().requires_grad_(False).to(device)


@dataclass(frozen=True)
class Recipe:
    """Which ``count`` frames of a clip are taken, from ``start`` or at random, and how.

    Frames are prepared as they come; with ``whole``, all at once.
    """

    name: str
    title: str
    count: int
    start: int | None
    prepare: Callable[[Frames], Array | None]
    said: str
    clock: Literal["source", "25"] = "source"
    weights: str = TORCHSCRIPT
    whole: bool = False

    def first(self, name: str, length: int) -> int | None:
        """The first frame of ``length`` that is taken; None where the clip is too short.

        Random starts follow from the clip's name, so a clip always gives the same vector, and a
        clip and its reference of the same name and length begin at the same frame.
        """
        if self.start is not None:
            return self.start if length >= self.start + self.count else None
        if length < self.count:
            return None
        digest = hashlib.sha256(name.encode()).digest()
        return int.from_bytes(digest[:4], "little") * (length - self.count + 1) >> 32


class Fvd(Base):
    """FVD by a recipe."""

    needs = frozenset({"video", "set"})

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.clock = recipe.clock
        self.weights = (recipe.weights,)
        self.set_measures = (Measure(recipe.name, recipe.title, "", "lower", recipe.said),)

    def watch(self, clip: Clip) -> FvdWatch:
        """A fresh watch."""
        return FvdWatch(self.recipe, clip)

    def compute(self, made: Sequence[Tensors], real: Sequence[Tensors]) -> Mapping[str, Score]:
        """The distance of the clips' vectors and the reference clips' vectors."""
        ours, theirs = (np.concatenate([part["rows"] for part in set_]) for set_ in (made, real))
        few = min(len(ours), len(theirs))
        settings: dict[str, Any] = {
            "clips_made": len(ours),
            "clips_real": len(theirs),
            "clips_left_out": len(made) + len(real) - len(ours) - len(theirs),
        }
        if few < 2:
            reason = "a distance of sets needs two usable clips on each side"
            return {self.recipe.name: Score(None, reason=reason, settings=settings)}
        if few <= CLASSES:
            settings["warning"] = f"strongly biased upwards below {CLASSES + 1} clips"
        value = frechet.frechet(frechet.Gaussian.of(ours), frechet.Gaussian.of(theirs))
        frames = len(ours) * self.recipe.count
        return {self.recipe.name: Score(value, frames, settings=settings)}


class FvdWatch(BaseWatch):
    """Collects the frames that a recipe takes of a clip."""

    def __init__(self, recipe: Recipe, clip: Clip) -> None:
        self._recipe = recipe
        length = clip.frame_count if recipe.clock == "source" else len(clip.rows25)
        self._first = recipe.first(clip.path.stem, length)
        self._frames: list[Frames] = []
        self._prepared: list[Array] = []

    def see(self, passage: Passage) -> None:
        """Keep the frames that are taken."""
        if self._first is None:
            return
        places = passage.rows - self._first
        taken = passage.frames[(places >= 0) & (places < self._recipe.count)]
        if self._recipe.whole:
            self._frames += list(taken)
        elif len(taken):
            self._prepare(taken)

    def _prepare(self, frames: Frames) -> None:
        prepared = self._recipe.prepare(frames)
        if prepared is not None:
            self._prepared.append(prepared)

    def scores(self) -> Mapping[str, Score]:
        """Nothing of a clip by itself."""
        return {}

    def contribution(self) -> Tensors:
        """The clip's logits ``rows (1, 400)``, or none ``(0, 400)`` of an unusable clip."""
        import torch

        if self._frames:
            self._prepare(np.stack(self._frames))
        if sum(part.shape[1] for part in self._prepared) < self._recipe.count:
            return {"rows": np.zeros((0, CLASSES), np.float32)}
        video = np.concatenate(self._prepared, 1)
        model = network(self._recipe.weights)
        with torch.inference_mode():
            logits = model(torch.from_numpy(video)[None].to(model.device))
        return {"rows": logits.reshape(1, CLASSES).float().cpu().numpy()}


RANDOM = "starting at random"
CENTRE = "short side to 224, bilinear, centre cut out, -1..1"


def stylegan_v() -> Fvd:
    """The field's standard."""
    said = f"StyleGAN-V: 16 frames {RANDOM}, {CENTRE}"
    return Fvd(Recipe("fvd_stylegan_v", "FVD, StyleGAN-V", 16, None, centred, said))


def latentsync() -> Fvd:
    """LatentSync's, of faces."""
    said = "LatentSync: frames 20 to 35, each cut at MediaPipe's face, by area to 224, 0..1"
    return Fvd(Recipe("fvd_latentsync", "FVD, LatentSync", 16, 20, faces, said, "25"))


def latentsync_steady() -> Fvd:
    """LatentSync's, but without the jitter that boxes of single frames bring along."""
    said = "as fvd_latentsync, but all frames cut at the mean of their boxes"
    return Fvd(
        Recipe("fvd_steady_face", "FVD, steady face", 16, 20, steady_faces, said, "25", whole=True)
    )


def steady_faces(frames: Frames) -> Array | None:
    """Faces cut out of all frames at one place; None where a frame shows none."""
    return faces(frames, steady=True)


def vasa() -> Fvd:
    """VASA-1's, of a second."""
    said = f"VASA-1: 25 frames {RANDOM}, {CENTRE}"
    return Fvd(Recipe("fvd25", "FVD25", 25, None, centred, said, "25"))


def videogpt() -> Fvd:
    """VideoGPT's, by other weights of the network."""
    said = f"VideoGPT's I3D: 16 frames {RANDOM}, {CENTRE}"
    return Fvd(Recipe("fvd_videogpt", "FVD, VideoGPT", 16, None, centred, said, weights=VIDEOGPT))
