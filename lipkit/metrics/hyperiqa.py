"""hyperIQA: how good the pictures of a clip look by themselves, about 0..100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.metrics.base import Base, BaseWatch
from lipkit.protocols import Measure, Passage, Score

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.protocols import Frames

    Array = NDArray[Any]

WEIGHTS = "hyperiqa-koniq"
PATCH = 224
BATCH = 5
ORIGINAL_SIZE, CROPS = (384, 512), 25  # width and height, whatever the picture's own shape


@cache
def network() -> Any:
    """The network with its stored weights, on the best device there is."""
    from lipkit import runtime
    from lipkit.models.parts import checkpoint, weights
    from lipkit.models.parts.hyperiqa import HyperIqa

    found = HyperIqa()
    checkpoint.load(found, weights.locate(WEIGHTS))
    return found.eval().requires_grad_(False).to(runtime.choose().device)


def judged(patches: Frames) -> list[float]:
    """Scores of patches ``(b, 224, 224, 3)``."""
    import torch

    from lipkit.models.parts.hyperiqa import normalised

    model = network()
    found: list[float] = []
    for start in range(0, len(patches), BATCH):
        batch = torch.from_numpy(np.ascontiguousarray(patches[start : start + BATCH]))
        batch = batch.to(model.fc5b_fc.weight.device).permute(0, 3, 1, 2)
        with torch.inference_mode():
            found += model(normalised(batch)).tolist()
    return found


def centre(frame: Frames) -> Frames | None:
    """The middle ``(1, 224, 224, 3)`` of a frame, not resized; None of a smaller frame."""
    top, left = (round((size - PATCH) / 2) for size in frame.shape[:2])
    if min(top, left) < 0:
        return None
    return frame[None, top : top + PATCH, left : left + PATCH]


def random_crops(frame: Frames) -> Frames:
    """25 patches ``(25, 224, 224, 3)`` at random of a frame scaled to 384 x 512, as published.

    The places are the same for every frame, so that equal frames score the same.
    """
    from PIL import Image

    small = np.asarray(Image.fromarray(frame).resize(ORIGINAL_SIZE, Image.Resampling.BILINEAR))
    random = np.random.default_rng(0)
    limits = [size - PATCH + 1 for size in small.shape[:2]]
    places = random.integers(0, limits, (CROPS, 2))
    return np.stack([small[y : y + PATCH, x : x + PATCH] for y, x in places])


class HyperIqa(Base):
    """hyperIQA as LatentSync filters with it."""

    said = "LatentSync: middle 224x224 of the first, middle and last frame, not resized, mean"
    name, title = "hyperiqa", "hyperIQA"
    needs = frozenset({"video"})
    weights = (WEIGHTS,)

    def __init__(self) -> None:
        self.measures = (Measure(self.name, self.title, "", "higher", self.said),)

    def patches(self, frame: Frames) -> Frames | None:
        """What of a frame ``(h, w, 3)`` is judged; None where it is too small."""
        return centre(frame)

    def watch(self, clip: Clip) -> QualityWatch:
        """A fresh watch."""
        return QualityWatch(self, clip.frame_count)


class HyperIqaCrops(HyperIqa):
    """hyperIQA as its authors measure it."""

    said = "Su et al. 2020: 25 random 224x224 of a frame scaled to 384x512; three frames, mean"
    name, title = "hyperiqa_crops25", "hyperIQA, 25 crops"

    def patches(self, frame: Frames) -> Frames:
        """Random crops of the scaled frame."""
        return random_crops(frame)


class QualityWatch(BaseWatch):
    """Keeps the first, middle and last frame of a clip."""

    def __init__(self, metric: HyperIqa, count: int) -> None:
        self._metric = metric
        self._wanted = [0, count // 2]
        self._kept: list[Frames] = []
        self._last: Frames | None = None

    def see(self, passage: Passage) -> None:
        """Keep what is wanted of a passage, and its last frame for now."""
        for row in self._wanted:
            self._kept += [frame.copy() for frame in passage.frames[passage.rows == row]]
        if len(passage.frames):
            self._last = passage.frames[-1].copy()

    def scores(self) -> Mapping[str, Score]:
        """The mean over the three frames."""
        frames: Sequence[Frames] = [*self._kept, *([] if self._last is None else [self._last])]
        patches = [self._metric.patches(frame) for frame in frames]
        if not frames or any(patch is None for patch in patches):
            reason = f"frames below {PATCH} pixels a side" if frames else "no frames"
            return {self._metric.name: Score(None, reason=reason)}
        scores = judged(np.concatenate([patch for patch in patches if patch is not None]))
        settings = {"patches": len(scores)}
        return {self._metric.name: Score(float(np.mean(scores)), len(frames), settings=settings)}
