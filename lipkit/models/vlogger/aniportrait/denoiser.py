"""What AniPortrait's backbone predicts for clips of any length, window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lipkit.models.parts.reference import Bank, Reading
from lipkit.models.parts.spool import Spool
from lipkit.models.vlogger.aniportrait.backbone import Backbone, Guide, joined
from lipkit.models.vlogger.aniportrait.overlap import Windows

Poses = Callable[
    [list[int]], list[Tensor]
]  # rows of frames to the guider's features (1, c, f, ...)


class LongDenoiser:
    """Takes noise off a whole clip: by the mean of what the windows over a frame say.

    With guidance there are two passes, without and with all that shows the portrait; poses lead
    both. They run as one batch while memory lasts.
    """

    def __init__(
        self,
        backbone: Backbone,
        bank: Bank,
        context: Tensor,
        poses: Poses,
        windows: Windows,
        guidance: float = 1.0,
    ) -> None:
        self.backbone, self.bank, self.context = backbone, bank, context
        self.poses, self.windows, self.guidance = poses, windows, guidance
        self.apart = False

    def denoise(self, latents: Spool, steps: Any) -> None:
        """Take all ``steps`` of a schedule with the frames ``(c, h, w)`` in ``latents``."""
        count, said = len(latents), Spool(len(latents), latents.shape)
        coverage = torch.from_numpy(self.windows.coverage(count))
        for time in steps.timesteps.tolist():
            self.predict(latents, said, time)
            for rows in torch.arange(count).split(self.windows.size):
                mean = clip_of(said, rows.tolist()) / coverage[rows][:, None, None]
                x = clip_of(latents, rows.tolist())
                moved = steps.step(mean, time, x).prev_sample
                latents.write(rows.tolist(), moved[0].transpose(0, 1))
            said.clear()

    def predict(self, latents: Spool, said: Spool, time: int) -> None:
        """Add to ``said`` what each window predicts for its frames at ``time``."""
        for rows in self.windows.rows(len(latents)):
            seen = clip_of(latents, rows).to(self.context.device)
            made = self.window(seen, time, rows)
            said.add(rows, made[0].transpose(0, 1).float().cpu())

    def window(self, latents: Tensor, time: int, rows: list[int]) -> Tensor:
        """The prediction for the frames ``rows`` of the clip."""
        poses = self.poses(rows)
        owner = torch.zeros(len(rows), dtype=torch.long)
        sighted = Guide(Reading(self.bank, owner), self.context, poses)
        sample = latents.to(self.backbone.dtype)
        if self.guidance == 1:
            return self.backbone(sample, time, sighted).to(latents)
        blind = Guide(Reading({}, owner), torch.zeros_like(self.context), poses)
        plain, guided = self.both(sample, time, blind, sighted)
        return (plain + self.guidance * (guided - plain)).to(latents)

    def both(
        self, sample: Tensor, time: int, blind: Guide, sighted: Guide
    ) -> tuple[Tensor, Tensor]:
        """Both passes: at once, or one after the other where memory does not hold them."""
        if not self.apart:
            try:
                twice = sample.repeat(2, 1, 1, 1, 1)
                made = self.backbone(twice, time, joined(blind, sighted))
            except torch.OutOfMemoryError:
                self.apart = True
                torch.cuda.empty_cache()
            else:
                return made[:1], made[1:]
        return self.backbone(sample, time, blind), self.backbone(sample, time, sighted)


def clip_of(frames: Spool, rows: list[int]) -> Tensor:
    """Some frames as a clip ``(1, c, f, h, w)``."""
    return torch.from_numpy(frames.read(rows)).transpose(0, 1)[None]
