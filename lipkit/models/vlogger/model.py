"""VLOGGER as one module: a face, what moves it, what draws it, what enlarges the drawing."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import cosine_schedule
from lipkit.models.vlogger import controls
from lipkit.models.vlogger.config import ModelConfig
from lipkit.models.vlogger.face import Face
from lipkit.models.vlogger.layout import rows_of
from lipkit.models.vlogger.mover import Mover
from lipkit.models.vlogger.unet import ControlBranch, UNet

COLOURS = 3
CONTROLS = controls.CHANNELS + COLOURS  # the reference picture comes behind them
SMALL = COLOURS  # what is to be enlarged, beside what is drawn


class Painter(nn.Module):
    """Draws frames by controls: a base, and the branch that tells it what to draw."""

    def __init__(self, form: ModelConfig) -> None:
        super().__init__()
        self.base = UNet(COLOURS, COLOURS, form.painter)
        self.control = ControlBranch(COLOURS, CONTROLS, form.painter)

    def forward(
        self, x: Tensor, times: Tensor, told: Tensor | None, blind: Tensor | None = None
    ) -> Tensor:
        """The prediction for frames ``x (b, 3, f, h, w)`` at ``times (b,)``.

        ``told (b, k, f, h, w)`` are controls and reference; None is to draw anything, and so it is
        for rows that are ``blind (b,)``.
        """
        if told is None:
            return self.base(x, times)
        skips, deep = self.control(x, told, self.base.told(times, x.shape[2]))
        if blind is not None:
            seen = (~blind).repeat_interleave(x.shape[2])[:, None, None, None]
            skips, deep = [skip * seen for skip in skips], deep * seen
        return self.base(x, times, (skips, deep))


class Vlogger(nn.Module):
    """All that is trained."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.face = Face(config.face)
        rows = rows_of(config)
        self.mover = Mover(config.motion, len(rows), config.motion.steps * config.motion.bands)
        self.register_buffer("head_spread", torch.ones(rows.head.stop - rows.head.start))
        self.painter = Painter(config)
        self.upscalers = nn.ModuleList(
            UNet(COLOURS + SMALL, COLOURS, config.upscaler)
            for _ in pairwise((config.resolution, *config.cascade))
        )
        self.register_buffer("alpha_bar", cosine_schedule(config.steps), persistent=False)


def build(config: ModelConfig) -> Vlogger:
    """A model with fresh weights."""
    return Vlogger(config)
