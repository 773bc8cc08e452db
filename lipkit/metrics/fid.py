"""FID and KID: how far the frames of a set of clips lie from those of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

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

WEIGHTS = "inception-2015-12-05"
BATCH = 8
RELIABLE = 2048  # frames, below which the covariance of 2048 features is a guess
CHANCE = "below zero by chance where both sets are alike"


@cache
def network() -> Any:
    """Inception with its stored weights, on the best device there is."""
    from lipkit import runtime
    from lipkit.models.parts import checkpoint, weights
    from lipkit.models.parts.inception import Inception

    found = Inception()
    checkpoint.load(found, weights.locate(WEIGHTS))
    return found.eval().requires_grad_(False).to(runtime.choose().device)


def resized(frames: Frames) -> Any:
    """Pictures ``(f, 3, 299, 299)`` in 0..255 as the port of TensorFlow's FID makes them."""
    import torch

    from lipkit.models.parts.inception import resize_like_tensorflow

    pictures = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return resize_like_tensorflow(pictures.float())


def resized_cleanly(frames: Frames) -> Any:
    """The same as clean-fid makes them: bicubic by Pillow, in floating point, then clipped."""
    import torch
    from PIL import Image

    from lipkit.models.parts.inception import SIDE

    def channel(values: Array) -> Array:
        picture = Image.fromarray(values.astype(np.float32))
        return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))

    pictures = [[channel(frame[..., k]) for k in range(3)] for frame in frames]
    return torch.from_numpy(np.array(pictures, np.float32).clip(0, 255))


def features(pictures: Any) -> Array:
    """Inception's features ``(f, 2048)`` of pictures ``(f, 3, 299, 299)``."""
    import torch

    model = network()
    with torch.inference_mode():
        found = model(pictures.to(model.fc.weight.device))
    return np.asarray(found.cpu().numpy())


class Fid(Base):
    """FID and KID of all frames, resized as in the port of the original to PyTorch."""

    suffix = ""
    resize = "bilinear like TensorFlow 1, without antialiasing"
    prepare: Callable[[Frames], Any] = staticmethod(resized)
    needs = frozenset({"video", "set"})
    weights = (WEIGHTS,)

    def __init__(self) -> None:
        recipe = f"all frames, Inception 2015-12-05, {self.resize}"
        self.set_measures = (
            Measure(f"fid{self.suffix}", "FID", "", "lower", f"Heusel et al. 2017: {recipe}"),
            Measure(
                f"kid{self.suffix}", "KID", "", "lower",
                f"Binkowski et al. 2018, unbiased, (x.y/d + 1)³: {recipe}",
            ),
        )  # fmt: skip

    def watch(self, clip: Clip) -> FidWatch:
        """A fresh watch."""
        return FidWatch(self.prepare)

    def compute(self, made: Sequence[Tensors], real: Sequence[Tensors]) -> Mapping[str, Score]:
        """Distances of the clips' frames and the reference clips' frames."""
        ours, theirs = frechet.gaussian_of(made), frechet.gaussian_of(real)
        assert ours is not None
        assert theirs is not None
        settings = {"frames_made": ours.count, "frames_real": theirs.count}
        few = min(ours.count, theirs.count)
        if few < 2:
            none = Score(None, few, "a distance of sets needs two frames on each side", settings)
            return {measure.name: none for measure in self.set_measures}
        warning = {}
        if few < RELIABLE:
            warning["warning"] = f"biased upwards below {RELIABLE} frames: read KID instead"
        samples = frechet.rows_of(made), frechet.rows_of(real)
        counts = dict(zip(("rows_made", "rows_real"), map(len, samples), strict=True))
        fid = Score(frechet.frechet(ours, theirs), ours.count, settings=settings | warning)
        if min(map(len, samples)) < 2:
            kid = Score(None, few, "too few frames kept of each clip", settings)
        else:
            note = {"note": CHANCE}
            kid = Score(frechet.kid(*samples), ours.count, settings=settings | counts | note)
        return {f"fid{self.suffix}": fid, f"kid{self.suffix}": kid}


class FidClean(Fid):
    """FID and KID as clean-fid has them."""

    suffix = "_clean"
    resize = "bicubic by Pillow, antialiased (clean-fid)"
    prepare: Callable[[Frames], Any] = staticmethod(resized_cleanly)


class FidWatch(BaseWatch):
    """Collects the features of a clip's frames."""

    def __init__(self, prepare: Callable[[Frames], Any]) -> None:
        self._prepare = prepare
        self._set = frechet.FeatureSet()
        network()

    def see(self, passage: Passage) -> None:
        """Look at the frames in small batches."""
        for start in range(0, len(passage.frames), BATCH):
            self._set.add(features(self._prepare(passage.frames[start : start + BATCH])))

    def scores(self) -> Mapping[str, Score]:
        """Nothing of a clip by itself."""
        return {}

    def contribution(self) -> Tensors | None:
        """The features, or their Gaussian where they are many."""
        return self._set.arrays()
