"""Super-resolution by diffusion: what a larger picture has beside an enlarged one.

Saharia et al., "Image Super-Resolution via Iterative Refinement" (2021), of the difference, as in
Li et al., "SRDiff" (2021). Each network doubles the size of crops of any kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.errors import BadInput
from lipkit.models.parts.sampling import clean_of, ddim, noised, target_of
from lipkit.models.vlogger.config import SamplingConfig, VloggerConfig
from lipkit.models.vlogger.material import clips_of, pictures_at, placed, size_of
from lipkit.models.vlogger.model import Vlogger
from lipkit.training.data import Data, FootageData, footage

Batch = Mapping[str, Any]

CHECKED, SHOWN = 8, 4
STEPS = 8
AT_ONCE = 4  # frames that are enlarged together


def enlarged(clip: Tensor, side: int) -> Tensor:
    """A clip ``(b, c, f, h, w)`` at ``side`` pixels, by bicubic interpolation."""
    count = clip.shape[2]
    flat = clip.transpose(1, 2).flatten(0, 1)
    made = functional.interpolate(flat, (side, side), mode="bicubic", align_corners=False)
    return made.unflatten(0, (-1, count)).transpose(1, 2)


def reduced(clip: Tensor) -> Tensor:
    """A clip at half the size: the means of squares of four pixels."""
    return functional.avg_pool3d(clip, (1, 2, 2))


class Enlarger:
    """Doubles crops until they have the size that is asked for."""

    def __init__(self, model: Vlogger, sampling: SamplingConfig, seed: int = 0) -> None:
        self.networks, self.form = model.upscalers, model.config
        self.alpha_bar, self.sampling, self.seed = model.alpha_bar, sampling, seed

    @property
    def sides(self) -> tuple[int, ...]:
        """The sizes that it makes."""
        return self.form.cascade

    @torch.inference_mode()
    def enlarge(self, frames: Tensor, side: int) -> Tensor:
        """Frames ``(f, 3, side, side)`` in -1..1 of crops ``(f, 3, h, h)``.

        Crops of any size: what the next smaller network makes of them is what the next one gets.
        """
        clip = frames.transpose(0, 1)[None]
        for network, (given, made) in zip(
            self.networks, pairwise((self.form.resolution, *self.sides)), strict=True
        ):
            if made <= side and (clip.shape[-1] <= given or made == side):
                clip = self.doubled(network, enlarged(clip, made).clamp(-1, 1))
        return clip[0].transpose(0, 1)

    def doubled(self, network: nn.Module, blurred: Tensor) -> Tensor:
        """The clip with what an enlarged one lacks; some frames at a time.

        All frames begin from the same noise, so that it does not flicker.
        """
        generator = torch.Generator().manual_seed(self.seed)
        shape = (1, 3, 1, *blurred.shape[3:])
        noise = torch.randn(shape, generator=generator).to(blurred)
        parts = [self._some(network, part, noise) for part in blurred.split(AT_ONCE, 2)]
        return torch.cat(parts, 2)

    def _some(self, network: nn.Module, blurred: Tensor, noise: Tensor) -> Tensor:
        dtype = network.leave.weight.dtype

        def denoise(x: Tensor, times: Tensor) -> Tensor:
            seen = torch.cat([x, blurred], 1).to(dtype)
            share = self.alpha_bar[times[0]]
            made = clean_of(self.form.prediction, network(seen, times).float(), x, share)
            room = self.form.gain * torch.stack([-1 - blurred, 1 - blurred])
            return made.clamp(room[0], room[1])  # of what can be added to a picture

        start = noise.expand_as(blurred)
        detail = ddim(denoise, start, self.alpha_bar, self.sampling.upscale_steps)
        return (blurred + detail / self.form.gain).clamp(-1, 1)


def upscale(model: Vlogger, config: VloggerConfig, data: Data, seed: int) -> UpscaleStage | None:
    """Super-resolution; None where the model has none."""
    if not len(model.upscalers):
        return None
    return UpscaleStage(config, footage(data, "upscale"))


class UpscaleStage:
    """Trains all super-resolution networks, each in turn."""

    name = "upscale"

    def __init__(self, config: VloggerConfig, data: FootageData) -> None:
        self.form, self.config, self.data = config.model, config.train, data
        self.stage = config.train.upscale
        self.sides = list(pairwise((self.form.resolution, *self.form.cascade)))
        for take in (data.training[0], data.held_out[0]):
            if min(size_of(take)) < self.form.cascade[-1]:
                raise BadInput(
                    f"{take.name}: smaller than the {self.form.cascade[-1]} pixels to be learned",
                    hint="align larger crops, or draw larger cartoons: toy:size=N",
                )

    def parameters(self, model: Vlogger) -> list[nn.Parameter]:
        """Those of all networks."""
        return list(model.upscalers.parameters())

    def batch(self, seed: int, index: int) -> Batch:
        """Pieces of clips at one of the sizes, and of the same at half the size, enlarged."""
        rng = np.random.default_rng((seed, 9, index))
        which = index % len(self.sides)
        side = self.sides[which][1]
        items = [
            self.piece(self.data.training, rng, side, min(self.config.patch, side))
            for _ in range(self.stage.batch)
        ]
        sharp, blurred = (torch.stack(kind) for kind in zip(*items, strict=True))
        return {"sharp": sharp, "blurred": blurred, "which": which}

    def piece(
        self, takes: Any, rng: np.random.Generator, side: int, patch: int
    ) -> tuple[Tensor, Tensor]:
        """A clip's piece ``(3, f, p, p)`` in -1..1, and the same at half the size, enlarged."""
        take, start = placed(takes, rng, self.stage.frames)
        pictures = pictures_at(take, start, self.stage.frames, side)
        whole = clips_of(torch.from_numpy(pictures).movedim(-1, 1)[None])
        blurred = enlarged(reduced(whole), side)
        y, x = rng.integers(side - patch + 1, size=2).tolist()
        where = (0, ..., slice(y, y + patch), slice(x, x + patch))
        return whole[where], blurred[where]

    def loss(self, model: Vlogger, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """The squared error of what is predicted of the difference."""
        sharp, blurred = batch["sharp"], batch["blurred"]
        size = len(sharp)
        grain = self.config.grain * torch.rand(size, 1, 1, 1, 1)
        seen = blurred + (grain * torch.randn(blurred.shape)).to(blurred)
        times = torch.randint(self.form.steps, (size,))
        return {"noise": self.error(model, batch, seen, times, torch.randn(sharp.shape))}

    def error(
        self, model: Vlogger, batch: Batch, seen: Tensor, times: Tensor, noise: Tensor
    ) -> Tensor:
        """The mean squared error at ``times (b,)`` with ``noise``."""
        detail = self.form.gain * (batch["sharp"] - batch["blurred"])
        times, noise = times.to(detail.device), noise.to(detail)
        x = noised(detail, noise, model.alpha_bar, times)
        made = model.upscalers[batch["which"]](torch.cat([x, seen], 1), times)
        share = model.alpha_bar[times][:, None, None, None, None]
        wanted = target_of(self.form.prediction, detail, noise, share)
        return (made.float() - wanted).square().mean()

    def validate(self, model: Vlogger) -> Mapping[str, float]:
        """How many decibels sharper than bicubic interpolation each size becomes, unseen."""
        enlarger = Enlarger(model, SamplingConfig(upscale_steps=STEPS))
        gained = {}
        for network, (_, side) in zip(model.upscalers, self.sides, strict=True):
            rng, found = np.random.default_rng(0), []
            for _ in range(CHECKED):
                sharp, blurred = self.piece(self.data.held_out, rng, side, side)
                sharp, blurred = (v[None].to(model.alpha_bar) for v in (sharp, blurred))
                with torch.inference_mode():
                    made = enlarger.doubled(network, blurred.clamp(-1, 1))
                found.append(torch.log10(miss(blurred, sharp) / miss(made, sharp)) * 10)
            gained[f"gained_{side}"] = float(torch.stack(found).mean())
        return gained

    def sample(self, model: Vlogger, batch: Batch) -> Tensor:
        """Pieces enlarged, with their details, and as they should be: ``(3, n, 3, p, p)``."""
        sharp, blurred = batch["sharp"][:SHOWN, :, :1], batch["blurred"][:SHOWN, :, :1]
        enlarger = Enlarger(model, SamplingConfig(upscale_steps=STEPS))
        with torch.inference_mode():
            network = model.upscalers[batch["which"]]
            made = [enlarger.doubled(network, one[None].clamp(-1, 1)) for one in blurred]
        return torch.stack([blurred, torch.cat(made), sharp])[:, :, :, 0]


def miss(made: Tensor, wanted: Tensor) -> Tensor:
    """The mean squared difference."""
    return (made - wanted).square().mean()
