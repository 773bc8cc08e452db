"""LPIPS: how different two pictures look, by the features of a network for recognition.

Zhang et al. 2018, arXiv:1801.03924, equation 1, heads of version 0.1. Backbones carry the names of
torchvision's files (``features.N.weight``), heads those of the authors' files
(``linK.model.1.weight``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint

SEEN, STRIDE = 112, 16  # what a feature sees to either side, and the widest stride, in pixels
BAND = 700_000  # pixels of a band: VGG16 takes about a gigabyte for a pair of these
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
RULES = (
    Rule(r"classifier\..+", None),  # of no use for a distance
    Rule(r"features\.(.+)", r"\1"),
    Rule(r"lin(\d)\.model\.1\.weight", r"\1", lambda head: head.flatten()),
)


class Backbone(NamedTuple):
    """A sequence of layers, and behind which of them (all ReLUs) the distance looks."""

    layers: nn.Sequential
    taps: tuple[int, ...]
    widths: tuple[int, ...]
    strides: tuple[int, ...]


def alexnet() -> Backbone:
    """AlexNet's convolutions."""
    convolutions = ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1))
    convolutions += ((384, 256, 3, 1, 1), (256, 256, 3, 1, 1))
    widths = tuple(out for _, out, *_ in convolutions)
    layers: list[nn.Module] = []
    for index, (wide, out, kernel, stride, padding) in enumerate(convolutions):
        if index in (1, 2):
            layers.append(nn.MaxPool2d(3, 2))
        layers += [nn.Conv2d(wide, out, kernel, stride, padding), nn.ReLU(inplace=True)]
    return Backbone(nn.Sequential(*layers), (1, 4, 7, 9, 11), widths, (4, 8, 16, 16, 16))


def vgg(counts: tuple[int, ...] = (2, 2, 3, 3, 3)) -> Backbone:
    """VGG's convolutions, so many in each part: VGG16's."""
    layers: list[nn.Module] = []
    taps, before = [], 3
    widths = (64, 128, 256, 512, 512)
    for width, count in zip(widths, counts, strict=True):
        layers += [nn.MaxPool2d(2, 2)] if layers else []
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
        taps.append(len(layers) - 1)
    return Backbone(nn.Sequential(*layers), tuple(taps), widths, (1, 2, 4, 8, 16))


BACKBONES = {"alex": alexnet, "vgg": vgg}
PARTS = {  # what each of the weight sets holds
    "alexnet": ("features", "alex"),
    "vgg16": ("features", "vgg"),
    "lpips-alex": ("heads", "alex"),
    "lpips-vgg": ("heads", "vgg"),
}


class Lpips(nn.Module):
    """Distances of pictures in -1..1; ``net`` is ``alex`` (to measure) or ``vgg`` (as a loss)."""

    def __init__(self, net: str = "alex") -> None:
        super().__init__()
        self.features, self.taps, widths, self.strides = BACKBONES[net]()
        self.heads = nn.ParameterList([torch.zeros(width) for width in widths])
        self.register_buffer("shift", torch.tensor(SHIFT).view(3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(3, 1, 1), persistent=False)

    def looks(self, pictures: Tensor) -> Iterator[Tensor]:
        """Features of ``pictures (b, 3, h, w)`` at each tap, of unit length over channels."""
        x = (pictures - self.shift) / self.scale
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                yield x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)

    def maps(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """Each layer's map ``(b, h', w')`` of the distance of two batches ``(b, 3, h, w)``."""
        pairs = self.looks(torch.cat([first, second]))
        return [
            torch.tensordot(head, torch.sub(*pair.chunk(2)).square(), dims=([0], [1]))
            for pair, head in zip(pairs, self.heads, strict=True)
        ]

    def per_layer(self, first: Tensor, second: Tensor) -> Tensor:
        """Each layer's share ``(b, 5)`` of the distance of two batches ``(b, 3, h, w)``."""
        return torch.stack([m.mean((1, 2)) for m in self.maps(first, second)], 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distances ``(b,)``, 0 for equal pictures."""
        return self.per_layer(first, second).sum(1)


def banded(network: Lpips, first: Tensor, second: Tensor, pixels: int = BAND) -> Tensor:
    """``network(first, second)``, but band by band, so that memory does not grow with height.

    Bands overlap by what the network sees around a pixel, and begin where its strides do.
    """
    height, width = first.shape[2:]
    core = max(pixels // width - 2 * SEEN, STRIDE) // STRIDE * STRIDE
    if height <= core + 2 * SEEN:
        return network(first, second)
    sums = [0.0] * len(network.strides)
    areas = [0] * len(network.strides)
    for top in range(0, height, core):
        above, below = max(0, top - SEEN), min(height, top + core + SEEN)
        found = network.maps(first[:, :, above:below], second[:, :, above:below])
        for k, (layer, stride) in enumerate(zip(found, network.strides, strict=True)):
            start = (top - above) // stride
            last = top + core >= height
            part = layer[:, start:] if last else layer[:, start : start + core // stride]
            sums[k] = sums[k] + part.sum((1, 2))
            areas[k] += part[0].numel()
    return torch.stack([s / area for s, area in zip(sums, areas, strict=True)], 1).sum(1)


def adopt(checkpoint: Checkpoint, wanted: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A backbone's or a version 0.1 head's tensors in our names; which one ``wanted.name`` says."""
    part, net = PARTS[wanted.name]
    with torch.device("meta"):
        expected = getattr(Lpips(net), part).state_dict()
    return convert(checkpoint.tensors, RULES, expected, str(checkpoint.file)), {}
