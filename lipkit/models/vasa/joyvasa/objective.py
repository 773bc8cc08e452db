"""JoyVASA's training losses on the motion of one window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lipkit.models.vasa.joyvasa.config import EXPRESSION

# What each term counts. The official loop adds the second clip's expression terms one and a half
# times and forgets the first clip's; here every clip's count once.
WEIGHTS = {
    "noise": 1.0,
    "exp": 0.1,
    "exp_vel": 1e-4,
    "exp_smooth": 1e-4,
    "head_angle": 0.01,
    "head_vel": 0.01,
    "head_smooth": 0.01,
    "head_trans": 0.01,
}
DISTANCES: dict[str, Callable[[Tensor], Tensor]] = {"l2": torch.square, "l1": torch.abs}
JOINT = 3  # frames on either side of two windows' joint


@dataclass(frozen=True)
class Objective:
    """How predictions are judged.

    ``target`` is what the denoiser predicts; of noise, only the first term is known.
    ``free_context``: what it says of the context does not count, and is taken as true.
    """

    distance: Literal["l2", "l1"] = "l2"
    target: Literal["sample", "noise"] = "sample"
    free_context: bool = False

    def terms(
        self,
        predicted: Tensor,
        motion: Tensor,
        noise: Tensor,
        context: Tensor | None,
        ends: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Terms, not yet weighted, of ``predicted (b, k + w, c)`` against ``motion (b, w, c)``.

        ``context (b, k, c)`` is the true window before; None for a clip's first window, whose
        context does not count. Frames from ``ends (b,)`` on are padding.
        """
        window = motion.shape[1]
        counts = torch.ones_like(motion[..., 0], dtype=torch.bool)
        if ends is not None:
            counts &= torch.arange(window, device=motion.device) < ends[:, None]
        current = predicted[:, -window:]
        if self.target == "noise":
            return {"noise": self.mean(current - noise, counts)}
        if context is None:
            return self.compared(current, motion, counts)
        before = context if self.free_context else predicted[:, :-window]
        known = torch.full_like(context[..., 0], not self.free_context, dtype=torch.bool)
        terms = self.compared(
            torch.cat([before, current], 1),
            torch.cat([context, motion], 1),
            torch.cat([known, counts], 1),
        )
        return terms | {"head_trans": self.joint(context, current)}

    def compared(self, predicted: Tensor, true: Tensor, counts: Tensor) -> dict[str, Tensor]:
        """Values, their changes, and how even the predicted changes are, face and head apart."""
        away = predicted - true
        terms = {"noise": self.mean(away, counts)}
        parts = {"exp": slice(EXPRESSION), "head": slice(EXPRESSION, None)}
        for name, part in parts.items():
            value = "head_angle" if name == "head" else name
            terms[value] = self.mean(away[..., part], counts)
            terms[f"{name}_vel"] = self.mean(change(away[..., part]), counts[:, 1:])
            uneven = change(change(predicted[..., part]))
            terms[f"{name}_smooth"] = self.mean(uneven, counts[:, 2:])
        return terms

    def joint(self, context: Tensor, current: Tensor) -> Tensor:
        """How evenly the head goes on from one window ``(b, k, c)`` to the next ``(b, w, c)``."""
        frames = torch.cat([context[:, -JOINT:], current[:, :JOINT]], 1)[..., EXPRESSION:]
        bends = change(change(frames))
        distance = DISTANCES[self.distance]
        return distance(bends[:, 1:-1]).mean() + distance(change(bends)).mean()

    def mean(self, difference: Tensor, counts: Tensor) -> Tensor:
        """The mean distance of ``difference (b, f, c)`` over the frames that count ``(b, f)``."""
        return DISTANCES[self.distance](difference)[counts].mean()


def change(x: Tensor) -> Tensor:
    """What each frame of ``x (b, f, c)`` adds to the one before it ``(b, f - 1, c)``."""
    return x[:, 1:] - x[:, :-1]


def truncated(
    values: Tensor, ends: Tensor, unit: int = 1, tail: Literal["zero", "replicate"] = "zero"
) -> Tensor:
    """``values (b, n, ...)`` silent, or held, from ``ends (b,)`` units of so many values on."""
    places = torch.arange(values.shape[1], device=values.device)
    ends = ends * unit
    outside = places >= ends[:, None]
    held = values[torch.arange(len(values), device=values.device), ends - 1][:, None]
    fill = held.expand_as(values) if tail == "replicate" else torch.zeros_like(values)
    return torch.where(outside.reshape(outside.shape + (1,) * (values.dim() - 2)), fill, values)
