"""Residual networks that tell of a whole face: who it is, how it lies, what it does."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.vasa.codecs.megaportraits.blocks import Standard2d, norm
from lipkit.models.vasa.codecs.megaportraits.config import ResNetConfig

GROWTH = 4  # of a bottleneck's width


class Unit(nn.Module):
    """A basic or a bottleneck block (He et al. 2015, figure 5) with group norms."""

    def __init__(self, entering: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        leaving = GROWTH * width if bottleneck else width
        shapes = [(entering, width, 3, stride), (width, width, 3, 1)]
        if bottleneck:
            shapes = [(entering, width, 1, 1), (width, width, 3, stride), (width, leaving, 1, 1)]
        self.convolutions = nn.ModuleList(
            Standard2d(a, b, kernel, step, kernel // 2, bias=False) for a, b, kernel, step in shapes
        )
        self.norms = nn.ModuleList(norm(b) for _, b, _, _ in shapes)
        self.skip = nn.Sequential()
        if stride != 1 or entering != leaving:
            self.skip = nn.Sequential(
                Standard2d(entering, leaving, 1, stride, bias=False), norm(leaving)
            )

    def forward(self, x: Tensor) -> Tensor:
        """``x (b, c, h, w)``, at half the size if the stride is 2."""
        inner = x
        for place, (convolution, normed) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            inner = normed(convolution(functional.relu(inner) if place else inner))
        return functional.relu(self.skip(x) + inner)


class ResNet(nn.Module):
    """Pictures ``(b, 3, h, w)`` in -1..1 to features ``(b, c, h / 32, w / 32)`` for four stages."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            norm(width),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        units: list[nn.Module] = []
        entering = width
        for stage, count in enumerate(config.depths):
            own = width * 2**stage
            for place in range(count):
                stride = 2 if stage and not place else 1
                units.append(Unit(entering, own, stride, config.bottleneck))
                entering = own * (GROWTH if config.bottleneck else 1)
        self.units = nn.Sequential(*units)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures of any size."""
        return self.units(self.stem(pictures))
