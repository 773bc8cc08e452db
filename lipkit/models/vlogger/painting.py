"""Frames by controls: clips drawn at once, one going on from the other, and holes filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from lipkit.models.parts.sampling import clean_of, ddim, guided, keeping
from lipkit.models.vlogger.config import ModelConfig, SamplingConfig
from lipkit.models.vlogger.model import Painter


class Painting:
    """Draws clips with a painter that is ready to run."""

    def __init__(
        self, painter: Painter, form: ModelConfig, alpha_bar: Tensor, sampling: SamplingConfig
    ) -> None:
        self.painter, self.form, self.sampling = painter, form, sampling
        self.alpha_bar = alpha_bar

    def clean(self, x: Tensor, times: Tensor, told: Tensor) -> Tensor:
        """Clean frames that the painter makes of noisy ones ``(b, 3, f, h, w)``, in -1..1."""
        dtype = self.painter.base.leave.weight.dtype
        share = self.alpha_bar[times[0]]

        def made(told: Tensor | None) -> Tensor:
            predicted = self.painter(x.to(dtype), times, told).float()
            return clean_of(self.form.prediction, predicted, x, share).clamp(-1, 1)

        full, guidance = made(told.to(dtype)), self.sampling.guidance
        return guided(full, [(guidance, made(None))]).clamp(-1, 1) if guidance else full

    @torch.inference_mode()
    def clip(
        self,
        told: Tensor,
        generator: torch.Generator,
        known: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Frames ``(b, 3, f, h, w)`` that ``told (b, k, f, h, w)`` describes.

        Where ``mask (b, 1, f, h, w)`` is 1 they are the ``known`` ones.
        """
        frames = torch.randn((told.shape[2], 3, *told.shape[3:]), generator=generator)
        noise = frames.transpose(0, 1)[None].expand(len(told), -1, -1, -1, -1).to(told.device)
        hold = None
        if known is not None and mask is not None:
            hold = keeping(known, mask, generator)
        return ddim(
            lambda x, times: self.clean(x, times, told),
            noise,
            self.alpha_bar,
            self.sampling.steps,
            eta=self.sampling.noise,
            generator=generator,
            hold=hold,
        )

    def outpainted(self, told: Iterable[Tensor], generator: torch.Generator) -> Iterator[Tensor]:
        """Frames ``(f, 3, h, w)`` of any length, by what is told of each ``(k, h, w)``.

        Temporal outpainting (section 3.3): a window begins with the last frames of the one before,
        which stay as they are while the others are drawn to them.
        """
        overlap = min(round(self.sampling.overlap * self.form.window), self.form.window - 1)
        past, coming = Past([], None), []
        for one in told:
            coming.append(one)
            if len(past.told) + len(coming) == self.form.window:
                drawn = self.beyond(past, coming, generator)
                yield drawn
                past, coming = past.after(coming, drawn, overlap), []
        if coming:
            yield self.beyond(past, coming, generator)

    def beyond(self, past: Past, coming: list[Tensor], generator: torch.Generator) -> Tensor:
        """The frames ``(f, 3, h, w)`` of ``coming`` controls, drawn to those of the past."""
        told = torch.stack([*past.told, *coming], 1)[None]
        if past.frames is None:
            return self.clip(told, generator)[0].transpose(0, 1)
        count = len(past.told)
        known = torch.zeros(1, 3, *told.shape[2:], device=told.device)
        known[0, :, :count] = past.frames.transpose(0, 1)
        mask = torch.zeros_like(known[:, :1])
        mask[:, :, :count] = 1
        return self.clip(told, generator, known, mask)[0].transpose(0, 1)[count:]


class Past(NamedTuple):
    """The last frames that were drawn ``(f, 3, h, w)``, and what was told of each."""

    told: list[Tensor]
    frames: Tensor | None

    def after(self, coming: list[Tensor], drawn: Tensor, count: int) -> Past:
        """The last ``count`` frames once more were drawn."""
        frames = drawn if self.frames is None else torch.cat([self.frames, drawn])
        told = [*self.told, *coming]
        return Past(told[-count:], frames[-count:]) if count else Past([], None)
