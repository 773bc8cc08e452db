"""Who judges patches of pictures at several scales, with spectral norms.

Wang et al. 2018, arXiv:1711.11585, section 3.2; Miyato et al. 2018, arXiv:1802.05957.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from lipkit.models.vasa.codecs.megaportraits.training_config import DiscriminatorConfig

SLOPE = 0.2
WIDEST = 8  # times the first width


class Verdict(NamedTuple):
    """Verdicts of each scale ``(b, 1, h, w)``, and each layer's features of each scale."""

    verdicts: list[Tensor]
    features: list[list[Tensor]]


class Scale(nn.Module):
    """The judge of one scale."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        widths = [config.width * min(2**k, WIDEST) for k in range(config.layers)]
        layers, before = [], 3
        for place, width in enumerate(widths):
            stride = 2 if place < config.layers - 1 else 1
            layers.append(spectral_norm(nn.Conv2d(before, width, 4, stride, 2)))
            before = width
        self.layers = nn.ModuleList(layers)
        self.last = spectral_norm(nn.Conv2d(before, 1, 4, 1, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The verdicts, and the features behind each layer."""
        found = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), SLOPE)
            found.append(x)
        return self.last(x), found


class Discriminator(nn.Module):
    """Judges pictures ``(b, 3, h, w)`` in -1..1, each scale half as large as the one before."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.scales = nn.ModuleList(Scale(config) for _ in range(config.scales))

    def forward(self, pictures: Tensor) -> Verdict:
        """How real the pictures look, patch by patch."""
        verdicts, features = [], []
        for scale in self.scales:
            verdict, seen = scale(pictures)
            verdicts.append(verdict)
            features.append(seen)
            pictures = functional.avg_pool2d(pictures, 2)
        return Verdict(verdicts, features)
