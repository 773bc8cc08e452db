"""Motion of one window, drawn under guidance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lipkit.models.vasa.joyvasa.config import SamplingConfig
from lipkit.models.vasa.joyvasa.model import JoyVasa
from lipkit.models.vasa.joyvasa.schedule import Noise, ancestral


@dataclass(frozen=True)
class Context:
    """The frames before a window: ``motion (b, k, c)`` normalised, and ``audio (b, k, d)``."""

    motion: Tensor
    audio: Tensor

    @classmethod
    def start(cls, model: JoyVasa, batch: int = 1) -> Context:
        """What the model learned to come before everything."""
        return cls(
            model.start_motion.expand(batch, -1, -1), model.start_audio.expand(batch, -1, -1)
        )

    def following(self, motion: Tensor, audio: Tensor) -> Context:
        """The context of the window after ``motion (b, w, c)`` to ``audio (b, w, d)``."""
        size = self.motion.shape[1]
        return Context(motion[:, -size:], audio[:, -size:])


class Guided:
    """A `Predictor` of a window's motion to ``audio (b, w, d)``.

    ``guidance`` of None leaves out the pass without audio.
    """

    def __init__(
        self,
        model: JoyVasa,
        audio: Tensor,
        context: Context,
        indicator: Tensor | None = None,
        guidance: float | None = None,
        threshold: tuple[float, ...] = (),
    ) -> None:
        self.model, self.guidance, self.threshold = model, guidance, threshold
        self.copies = 1 if guidance is None else 2
        silence = model.null_audio.expand_as(audio)
        self.audio = audio if guidance is None else torch.cat([silence, audio])
        self.context, self.indicator = context, indicator

    def __call__(self, motion: Tensor, step: int) -> Tensor:
        """What the denoiser says of ``motion (b, w, c)`` at ``step``."""
        copies = self.copies
        found = self.model.denoiser(
            motion.repeat(copies, 1, 1),
            self.audio,
            self.context.motion.repeat(copies, 1, 1),
            self.context.audio.repeat(copies, 1, 1),
            torch.full((copies * len(motion),), step, device=motion.device),
            None if self.indicator is None else self.indicator.repeat(copies, 1),
        )[:, -motion.shape[1] :]
        if self.threshold:
            found = bounded(found, *self.threshold)
        if self.guidance is None:
            return found
        silent, heard = found.chunk(2)
        return silent + self.guidance * (heard - silent)


def bounded(motion: Tensor, share: float, least: float, greatest: float) -> Tensor:
    """``motion (b, w, c)`` cut at the ``share`` quantile of each window's own sizes."""
    bound = motion.abs().flatten(1).quantile(share, dim=1).clamp(least, greatest)[:, None, None]
    return motion.clamp(-bound, bound)


def drawn(
    predict: Guided, start: Tensor, noise: Noise, sampling: SamplingConfig
) -> Iterator[Tensor]:
    """The states ``(b, w, c)`` from the first step's to the clean motion."""
    model = predict.model
    return ancestral(
        predict,
        start,
        model.schedule,
        noise,
        target=model.config.target,
        flexibility=sampling.flexibility,
    )
