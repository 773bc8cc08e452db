"""What the generator trains on: takes as the frozen codec sees them, and what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.errors import BadInput
from lipkit.models.vasa.codecs.megaportraits.layout import rows_of
from lipkit.models.vasa.codecs.megaportraits.material import colours, stills
from lipkit.models.vasa.codecs.megaportraits.pose import POSE
from lipkit.models.vasa.vasa1.conditions import Emotions, gazes, main_gaze
from lipkit.models.vasa.vasa1.hearing import hear
from lipkit.models.vasa.vasa1.model import Vasa1
from lipkit.training.data import Footage

Floats = NDArray[np.float32]

AT_ONCE = 32  # frames that the codec sees in one go
SIZE = POSE.index("scale")


@dataclass(frozen=True)
class Take:
    """A take: ``motion (f, c)``, ``audio (f, a)``, and one row of each condition.

    ``gaze (2,)`` in units of ten degrees, ``distance (1,)`` in tenths, ``emotion (e,)``;
    ``known`` says whether the gaze is.
    """

    motion: Floats
    audio: Floats
    gaze: Floats
    distance: Floats
    emotion: Floats
    known: bool = True


@torch.inference_mode()
def watched(model: Vasa1, take: Footage) -> Floats:
    """Motion ``(f, c)`` of a take's face as the codec tells it; frames without one repeat."""
    codec = model.codec.eval()
    frame = stills(codec.config.size).frame
    device, found = model.motion_mean.device, []
    for start in range(0, len(take), AT_ONCE):
        rows = range(start, min(start + AT_ONCE, len(take)))
        frames = torch.from_numpy(np.stack([frame(take, row) for row in rows]))
        seen = colours(frames.movedim(-1, 1)).to(device)
        found.append(rows_of(codec.motion(seen)))
    motion = np.concatenate(found)
    shown = np.flatnonzero(take.valid)
    if not len(shown):
        raise BadInput(f"{take.name}: no frame shows a face")
    last = shown[np.maximum(np.searchsorted(shown, np.arange(len(take)), "right") - 1, 0)]
    return np.asarray(motion[last], np.float32)


def observed(model: Vasa1, take: Footage, emotions: Emotions | None) -> Take:
    """What is to be learned of a take."""
    if take.fps != model.config.fps:
        hint = f"before lipkit align: ffmpeg -i IN -r {model.config.fps} OUT"
        raise BadInput(f"{take.name}: {float(take.fps):g} frames a second", hint=hint)
    motion, audio = watched(model, take), hear(take.wave, model.config)
    count = min(len(motion), len(audio))
    looks = gazes(take)
    aside = np.zeros(2, np.float32) if looks is None else main_gaze(looks)
    feeling = np.zeros(model.config.generator.emotion, np.float32)
    if emotions is not None and len(feeling):
        feeling = emotions.shares(take)
    return Take(
        motion[:count],
        audio[:count],
        np.asarray(aside / 10, np.float32),
        np.array([10 * (motion[:, SIZE].mean() - 1)], np.float32),
        feeling,
        looks is not None,
    )


def observe(
    model: Vasa1, takes: Sequence[Footage], emotion: str = "", most: int | None = None
) -> list[Take]:
    """All takes, or the first ones, that are long enough for a window and its context."""
    emotions = Emotions(Path(emotion)) if emotion else None
    shape = model.config.generator
    found = [observed(model, take, emotions) for take in takes[: most or len(takes)]]
    long = [take for take in found if len(take.motion) >= shape.window + shape.context]
    if not long:
        raise BadInput(f"no take has {shape.window + shape.context} frames in a row")
    return long


def statistics(parts: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation ``(c,)`` of all rows of some ``(f, c)``."""
    rows = np.concatenate(parts).astype(np.float64)
    deviation = np.maximum(rows.std(0), 1e-4)
    return torch.from_numpy(rows.mean(0)).float(), torch.from_numpy(deviation).float()
