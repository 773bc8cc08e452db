"""LPIPS of a clip against its reference, frame by frame, then averaged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit.metrics.pairs import Compare, Pairwise
from lipkit.protocols import Measure

if TYPE_CHECKING:
    from lipkit.protocols import Frames

RECIPE = "version 0.1 on {}, {}, mean over frames"
SMALLEST = 64  # pixels a side, below which the last layers see nothing
BACKBONES = {"alex": "alexnet", "vgg": "vgg16"}


@cache
def network(net: str) -> Any:
    """LPIPS with its stored weights, on the best device there is."""
    from lipkit import runtime
    from lipkit.models.parts import checkpoint, weights
    from lipkit.models.parts.lpips import Lpips

    found = Lpips(net)
    checkpoint.load(found.features, weights.locate(BACKBONES[net]))
    checkpoint.load(found.heads, weights.locate(f"lpips-{net}"))
    return found.eval().requires_grad_(False).to(runtime.choose().device)


def distance(net: str, made: Frames, real: Frames) -> float | None:
    """LPIPS of two pictures ``(h, w, 3)``; None below 64 pixels a side."""
    import torch

    from lipkit.models.parts.lpips import banded

    if min(made.shape[:2]) < SMALLEST:
        return None
    model = network(net)
    pair = torch.from_numpy(np.stack([made, real])).to(model.shift.device)
    pair = pair.permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        return float(banded(model, pair[:1], pair[1:]))


class Lpips(Pairwise):
    """LPIPS of whole frames by AlexNet, which the authors recommend to measure with."""

    net = "alex"
    name = "lpips"
    undefined = f"frames below {SMALLEST} pixels a side"

    def __init__(self) -> None:
        where = "whole frame" if self.region is None else f"{self.region} box"
        recipe = RECIPE.format("AlexNet" if self.net == "alex" else "VGG16", where)
        self.measures = (Measure(self.name, f"LPIPS, {where}", "", "lower", recipe),)
        self.weights = (BACKBONES[self.net], f"lpips-{self.net}")

    def compare(self) -> Mapping[str, Compare]:
        """By the network's features."""
        network(self.net)
        return {self.name: partial(distance, self.net)}


class LpipsFace(Lpips):
    """LPIPS of the face box by AlexNet."""

    name, region = "lpips_face", "face"
    needs = frozenset({"video", "reference", "face"})


class LpipsVgg(Lpips):
    """LPIPS of whole frames by VGG16, as training losses have it."""

    net, name = "vgg", "lpips_vgg"
