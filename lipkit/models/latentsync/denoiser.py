"""What LatentSync's UNet predicts for one clip: guidance, and deep layers kept over steps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lipkit.models.parts.video_unet import VideoUNet

KEPT_STEPS = 3  # with --speed fast, deep layers run in steps 0, 3, 6, ...


class Denoiser:
    """A `Predictor` of one clip's noise.

    ``condition (1, 9, f, h, w)`` is mask, masked latents and reference latents; ``audio (f, t, d)``
    one window a frame. Guidance above 1 asks twice, with and without audio, in one batch while
    memory lasts. ``every`` is the number of steps that the deep layers' result serves.
    """

    def __init__(
        self,
        unet: VideoUNet,
        condition: Tensor,
        audio: Tensor,
        guidance: float = 1.0,
        every: int = 1,
    ) -> None:
        self.unet, self.condition = unet, condition
        self.guidance, self.every = guidance, every
        self.passes = [audio]
        if guidance > 1:
            self.passes = [torch.cat([torch.zeros_like(audio), audio])]
        self.deep: list[Tensor] = []

    def __call__(self, latents: Tensor, time: int, step: int) -> Tensor:
        """The noise ``(1, c, f, h, w)`` in ``latents`` at ``time``."""
        try:
            predicted = self._predict(latents, time, step)
        except torch.OutOfMemoryError:
            if len(self.passes) > 1 or self.guidance <= 1:
                raise
            self.passes, self.deep = list(self.passes[0].chunk(2)), []
            torch.cuda.empty_cache()
            predicted = self._predict(latents, time, step)
        if self.guidance <= 1:
            return predicted
        silent, heard = predicted.chunk(2)
        return silent + self.guidance * (heard - silent)

    def _predict(self, latents: Tensor, time: int, step: int) -> Tensor:
        sample = torch.cat([latents, self.condition.to(latents.dtype)], 1).to(self.unet.dtype)
        deep, self.deep = self.deep if step % self.every else [], []
        made = [
            self._pass(sample, time, audio, deep[k : k + 1]) for k, audio in enumerate(self.passes)
        ]
        return torch.cat(made).to(latents.dtype)

    def _pass(self, sample: Tensor, time: int, audio: Tensor, kept: Sequence[Tensor]) -> Tensor:
        copies = len(audio) // sample.shape[2]
        scene = self.unet.enter(sample.repeat(copies, 1, 1, 1, 1), time, audio)
        deep = kept[0] if kept else self.unet.deep(scene)
        if self.every > 1:
            self.deep.append(deep)
        return self.unet.leave(deep, scene)
