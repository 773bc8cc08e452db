"""Speech to motion of any length: windows that go on from the past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.models.parts.sampling import ddim, guided
from lipkit.models.vlogger.config import SamplingConfig
from lipkit.models.vlogger.layout import Rows, rows_of
from lipkit.models.vlogger.model import Vlogger

Array = NDArray[Any]


class Talker:
    """Makes rows of motion of what is heard."""

    def __init__(self, model: Vlogger, sampling: SamplingConfig) -> None:
        self.mover, self.alpha_bar = model.mover, model.alpha_bar
        self.form, self.sampling = model.config.motion, sampling
        self.rows: Rows = rows_of(model.config)
        self.spread = scales(model)

    def move(self, heard: Iterable[Array], generator: torch.Generator) -> Iterator[Array]:
        """Motion ``(f, c)`` in units of the face and the head, for pieces ``(f, a)`` of sound."""
        past = torch.zeros(0, len(self.rows))
        sound = torch.zeros(0, self.form.steps * self.form.bands)
        for window in cut(heard, self.form.window):
            coming = torch.from_numpy(np.ascontiguousarray(window))
            audio = torch.cat([sound, coming])
            made = self.window(past, audio, generator)
            past = torch.cat([past, made])[-self.form.context :]
            sound = audio[-self.form.context :]
            yield (made * self.spread.cpu()).numpy()

    @torch.inference_mode()
    def window(self, past: Tensor, audio: Tensor, generator: torch.Generator) -> Tensor:
        """The frames ``(f, c)`` after ``past (k, c)``, all of which hear ``audio (k + f, a)``."""
        known, device = len(past), self.alpha_bar.device
        noise = torch.randn(len(audio) - known, len(self.rows), generator=generator)
        before, heard = past.to(device)[None], audio.to(device)[None]

        def made(x: Tensor, times: Tensor, heard: Tensor | None) -> Tensor:
            level = torch.cat([times.new_zeros(1, known), times[:, None].expand(1, x.shape[1])], 1)
            whole = self.mover(torch.cat([before, x], 1), level, heard)
            return whole[:, known:]

        def denoise(x: Tensor, times: Tensor) -> Tensor:
            full, guidance = made(x, times, heard), self.sampling.motion_guidance
            return guided(full, [(guidance, made(x, times, None))]) if guidance else full

        steps = self.sampling.motion_steps
        return ddim(denoise, noise.to(device)[None], self.alpha_bar, steps)[0].cpu()


def scales(model: Vlogger) -> Tensor:
    """What motion ``(c,)`` in the network's units is in those of the face and the head."""
    rows = rows_of(model.config)
    made = torch.ones(len(rows), device=model.head_spread.device)
    made[rows.head] = model.head_spread
    return made


def cut(pieces: Iterable[Array], count: int) -> Iterator[Array]:
    """Pieces ``(f, ...)`` anew, each of ``count`` rows but for the last."""
    held: Array | None = None
    for piece in pieces:
        held = piece if held is None else np.concatenate([held, piece])
        while len(held) >= count:
            yield held[:count]
            held = held[count:]
    if held is not None and len(held):
        yield held
