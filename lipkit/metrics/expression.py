"""E-FID: the Frechet distance of expressions (EMO, Tian et al., ECCV 2024), by two extractors.

Its authors published no code; the numbers that are compared decide the scale, so no two extractors
share a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames, Passage

    Array = NDArray[Any]
    Tensors = Mapping[str, Array]

DEEP3D, LANDMARKER = "deep3d", "face-landmarker"
FEW = 65  # frames, below which the covariance of 64 coefficients is singular


def efid(made: Array, real: Array) -> float:
    """The Frechet distance of expressions ``(n, d)`` and ``(m, d)`` of any extractor."""
    from lipkit.metrics.frechet import Gaussian, frechet

    return frechet(Gaussian.of(made), Gaussian.of(real))


class ExpressionDistance(Base):
    """What extractors share: frames of all clips are pooled."""

    name = ""
    clock: Literal["source", "25"] = "25"

    def compute(self, made: Sequence[Tensors], real: Sequence[Tensors]) -> Mapping[str, Score]:
        """The distance of the clips' expressions and the reference clips'."""
        from lipkit.metrics.frechet import frechet, gaussian_of

        ours, theirs = gaussian_of(made), gaussian_of(real)
        few = min(0 if side is None else side.count for side in (ours, theirs))
        settings: dict[str, Any] = {"clips": len(made), "reference_clips": len(real), "fps": 25}
        if ours is None or theirs is None or few < 2:
            reason = "takes two frames with a face on each side"
            return {self.name: Score(None, few, reason, settings)}
        settings |= {"frames_made": ours.count, "frames_real": theirs.count}
        if few < FEW:
            settings["warning"] = f"biased upwards below {FEW} frames"
        return {self.name: Score(frechet(ours, theirs), ours.count, settings=settings)}


class Deep3dExpression(ExpressionDistance):
    """E-FID on 64 coefficients of a 3-D face reconstruction, as EMO describes it."""

    name = "efid_deep3d"
    needs = frozenset({"video", "face", "set"})
    weights = (DEEP3D,)
    set_measures = (
        Measure(
            name, "E-FID", "", "lower", "EMO: 64 expression coefficients of Deep3DFaceRecon, 25 fps"
        ),
    )

    def watch(self, clip: Clip) -> CoefficientWatch:
        """A watch that reconstructs every frame's face."""
        return CoefficientWatch(clip)


class BlendshapeExpression(ExpressionDistance):
    """E-FID on MediaPipe's 52 blendshapes, whose model file everybody may fetch."""

    name = "efid_mp52"
    needs = frozenset({"video", "set"})
    weights = (LANDMARKER,)
    set_measures = (
        Measure(
            name, "E-FID, blendshapes", "", "lower", "52 blendshapes of MediaPipe's landmarker"
        ),
    )

    def watch(self, clip: Clip) -> BlendshapeWatch:
        """A watch that finds every frame's blendshapes."""
        return BlendshapeWatch()


class PoolWatch(BaseWatch):
    """Pools rows of numbers of frames."""

    @cached_property
    def pool(self) -> Any:
        """What is kept of the rows."""
        from lipkit.metrics.frechet import FeatureSet

        return FeatureSet(keep=1)

    def scores(self) -> Mapping[str, Score]:
        """None of a single clip."""
        return {}

    def contribution(self) -> Mapping[str, Array] | None:
        """The pooled expressions."""
        kept: Mapping[str, Array] | None = self.pool.arrays()
        return kept


class CoefficientWatch(PoolWatch):
    """Pools the coefficients of faces by 3-D reconstruction."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def see(self, passage: Passage) -> None:
        """Reconstruct the faces of the frames that show one."""
        import numpy as np

        crops = []
        track = self.clip.track25
        for row, frame in zip(passage.rows, passage.frames, strict=True):
            if row < len(track) and track.valid[row]:
                crops.append(face_crop(frame, track.points[row], track.scheme))
        if crops:
            self.pool.add(coefficients(np.stack(crops)))


class BlendshapeWatch(PoolWatch):
    """Pools MediaPipe's blendshapes."""

    def __init__(self) -> None:
        self.landmarker = _landmarker()

    def see(self, passage: Passage) -> None:
        """Find the blendshapes of the frames that show a face."""
        import numpy as np

        for frame in passage.frames:
            row = blendshapes(self.landmarker, frame)
            if row is not None:
                self.pool.add(np.asarray(row, np.float32)[None])


def face_crop(frame: Frames, points: Array, scheme: str) -> Frames:
    """The crop ``(224, 224, 3)`` of a face with these landmarks, as the reconstruction sees it."""
    import numpy as np

    from lipkit.faces.landmarks import anchors
    from lipkit.faces.warping import warp
    from lipkit.models.parts.deep3d import SIDE, placement

    matrix = placement(np.asarray(anchors(points, scheme), np.float64))
    return warp(frame, matrix, (SIDE, SIDE), border="constant")


@cache
def _network() -> Any:
    from lipkit import runtime
    from lipkit.models.parts import checkpoint, weights
    from lipkit.models.parts.deep3d import Expression

    found = Expression()
    checkpoint.load(found, weights.locate(DEEP3D))
    return found.eval().requires_grad_(False).to(runtime.choose().device)


def coefficients(crops: Frames) -> Array:
    """Expression coefficients ``(f, 64)`` of crops ``(f, 224, 224, 3)``."""
    import numpy as np
    import torch

    network = _network()
    pictures = torch.from_numpy(np.ascontiguousarray(crops)).movedim(-1, 1)
    with torch.inference_mode():
        found = network(pictures.to(network.conv1.weight.device).float() / 255)
    return np.asarray(found.cpu().numpy())


@cache
def _landmarker() -> Any:
    from lipkit.errors import WeightsError
    from lipkit.faces.quiet import quiet
    from lipkit.models.parts.weights import locate

    path = locate(LANDMARKER)
    with quiet():
        from mediapipe.tasks.python import BaseOptions, vision

        base = BaseOptions(model_asset_path=str(path))
        options = vision.FaceLandmarkerOptions(base_options=base, output_face_blendshapes=True)
        try:
            return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError):
            raise WeightsError(f"{path}: no face landmarker of MediaPipe") from None


def blendshapes(landmarker: Any, frame: Frames) -> list[float] | None:
    """The blendshapes of the frame's face, 52 numbers in 0..1; None where there is no face."""
    import mediapipe
    import numpy as np

    pixels = np.ascontiguousarray(frame)
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
    found = landmarker.detect(picture).face_blendshapes
    return [shape.score for shape in found[0]] if found else None
