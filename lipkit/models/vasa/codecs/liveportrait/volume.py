"""F, LivePortrait's appearance extractor: what a face looks like, as a volume of features."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.vasa.codecs.liveportrait.config import AppearanceConfig
from lipkit.models.vasa.codecs.liveportrait.layers import Residual3d, Unit


class AppearanceExtractor(nn.Module):
    """Halving convolutions, then residual ones on a volume split off the channels.

    Guo et al., "LivePortrait" (2024), after face-vid2vid (Wang et al. 2021, figure 10).
    """

    def __init__(self, config: AppearanceConfig) -> None:
        super().__init__()
        self.config = config
        widths = [min(config.widest, config.width * 2**i) for i in range(config.halvings + 1)]
        self.first = Unit(3, config.width, 2)
        self.down = nn.ModuleList(Unit(widths[i], widths[i + 1], 2) for i in range(config.halvings))
        self.second = nn.Conv2d(widths[-1], config.channels * config.depth, 1)
        self.blocks = nn.Sequential(*(Residual3d(config.channels) for _ in range(config.blocks)))

    def flat(self, images: Tensor) -> Tensor:
        """Features ``(b, c * d, h / 2^n, w / 2^n)`` before they become a volume."""
        x = self.first(images)
        for block in self.down:
            x = functional.avg_pool2d(block(x), 2)
        return self.second(x)

    def forward(self, images: Tensor) -> Tensor:
        """Volumes ``(b, c, d, h / 2^n, w / 2^n)`` of ``images (b, 3, h, w)`` in 0..1."""
        flat = self.flat(images)
        return self.blocks(flat.unflatten(1, (self.config.channels, self.config.depth)))
