"""Who judges patches of pictures at several scales, with spectral norms.

Wang et al. 2018, arXiv:1711.11585, section 3.2; Miyato et al. 2018, arXiv:1802.05957.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.2
WIDEST = 8  # times the first width


class Verdict(NamedTuple):
    """Verdicts of each scale ``(b, 1, h, w)``, and each layer's features of each scale."""

    verdicts: list[Tensor]
    features: list[list[Tensor]]


class Scale(nn.Module):
    """The judge of one scale, so many channels ``width`` in its first layer."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        stack, before = [], 3
        for place in range(layers):
            outside = width * min(2**place, WIDEST)
            stride = 2 if place < layers - 1 else 1
            stack.append(spectral_norm(nn.Conv2d(before, outside, 4, stride, 2)))
            before = outside
        self.layers = nn.ModuleList(stack)
        self.last = spectral_norm(nn.Conv2d(before, 1, 4, 1, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The verdicts, and the features behind each layer."""
        found = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            found.append(x)
        return self.last(x), found


class PatchJudge(nn.Module):
    """Judges pictures ``(b, 3, h, w)`` in -1..1; each scale sees them half as large."""

    def __init__(self, width: int = 64, layers: int = 4, scales: int = 2) -> None:
        super().__init__()
        self.scales = nn.ModuleList(Scale(width, layers) for _ in range(scales))

    def forward(self, pictures: Tensor) -> Verdict:
        """How real the pictures look."""
        verdicts, features = [], []
        for scale in self.scales:
            verdict, seen = scale(pictures)
            verdicts.append(verdict)
            features.append(seen)
            pictures = functional.avg_pool2d(pictures, 2)
        return Verdict(verdicts, features)
