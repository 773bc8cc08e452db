"""The score of a clip by a CAPP that its user trained."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lipkit.metrics.base import Base, BaseWatch
from lipkit.metrics.values import score
from lipkit.protocols import Measure, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lipkit.metrics.clip import Clip
    from lipkit.models.capp.model import Capp

    Array = NDArray[Any]

WEIGHTS = "capp"


class OwnCapp(Base):
    """Whether the head moves to the sound, by own weights."""

    needs = frozenset({"face", "audio"})
    weights = (WEIGHTS,)
    measures = (
        Measure(
            "capp_own",
            "CAPP, own weights",
            "",
            "higher",
            "VASA-1: mean cosine of 3 s of sound and of head pose, every second; own training",
        ),
    )

    def watch(self, clip: Clip) -> CappWatch:
        """A watch that compares pose and sound."""
        return CappWatch(clip)


class CappWatch(BaseWatch):
    """Compares windows of pose and of sound."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def scores(self) -> Mapping[str, Score]:
        """The mean cosine; none where no window shows a face throughout."""
        from lipkit.metrics.motion import head_pose
        from lipkit.models.capp.config import SamplingConfig
        from lipkit.models.capp.features import heard

        model, hop = _model(), SamplingConfig().hop
        frames = model.config.frames
        settings = {"audio": model.config.audio, "window": frames, "hop": hop, "fps": 25}
        if self.clip.wave is None:
            return {"capp_own": Score(None, reason="no sound", settings=settings)}
        audio = heard(self.clip.wave, model.config.audio)
        found = cosines(model, audio, head_pose(self.clip.track25), hop)
        value = float(found.mean()) if len(found) else None
        settings["windows"] = len(found)
        reason = f"no {frames / 25:g} s with sound show a face throughout"
        return {"capp_own": score(value, reason, frames=len(found) * frames, settings=settings)}


@cache
def _model() -> Capp:
    from lipkit.config import resolve
    from lipkit.models.capp.config import ModelConfig
    from lipkit.models.capp.model import build
    from lipkit.models.parts import checkpoint
    from lipkit.models.parts.weights import locate, read_header

    path = locate(WEIGHTS)
    model = build(resolve(ModelConfig, preset=read_header(path)["config"]))
    checkpoint.load(model, path)
    return model.eval().requires_grad_(False)


def cosines(model: Capp, audio: Array, pose: Array, hop: int) -> np.ndarray:
    """Cosine ``(n,)`` of each window of ``audio (2 f, a)`` and ``pose (f, 3)`` without gaps."""
    import numpy as np
    import torch

    from lipkit.models.capp.config import STEPS

    frames = model.config.frames
    count = min(len(audio) // STEPS, len(pose))
    found = []
    for first in range(0, count - frames + 1, hop):
        turned = pose[first : first + frames]
        if not np.isfinite(turned).all():
            continue
        sound = audio[STEPS * first : STEPS * (first + frames)]
        with torch.inference_mode():
            both = [torch.from_numpy(np.float32(it))[None] for it in (sound, turned)]
            found.append(float((model.hear(both[0]) * model.watch(both[1])).sum()))
    return np.array(found)
