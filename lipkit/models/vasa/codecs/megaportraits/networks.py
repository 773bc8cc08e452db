"""MegaPortraits' networks (arXiv:2207.07621, section 3 and supplement, section A)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.vasa.codecs.megaportraits.blocks import (
    Residual,
    Standard2d,
    norm,
    output,
    resized,
)
from lipkit.models.vasa.codecs.megaportraits.config import (
    PLACES,
    CodecConfig,
    DecoderConfig,
    EnhancerConfig,
)
from lipkit.models.vasa.codecs.megaportraits.pose import POSE, identity_grid
from lipkit.models.vasa.codecs.megaportraits.resnet import ResNet


class Contraction(nn.Module):
    """Pictures ``(b, 3, h, w)`` to flat features ``(b, widths[-1], h / 2^n, w / 2^n)``."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, widths[0], 7, padding=3)
        self.blocks = nn.ModuleList(Residual(a, b) for a, b in pairwise(widths))

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures in -1..1; every block is followed by a halving."""
        x = self.first(pictures)
        for block in self.blocks:
            x = functional.avg_pool2d(block(x), 2)
        return x


class AppearanceEncoder(nn.Module):
    """The part of E_app that sees a volume ``(b, c, d, h, w)`` in a picture."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.shape = (config.channels, config.depth)
        last = config.widths[-1]
        self.flat = Contraction(config.widths)
        self.lift = nn.Sequential(
            norm(last), nn.ReLU(), Standard2d(last, config.channels * config.depth, 1)
        )
        self.volume = nn.Sequential(
            *(Residual(config.channels, config.channels, 3) for _ in range(config.blocks))
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """The volume, as the head lies in the picture."""
        return self.volume(self.lift(self.flat(pictures)).unflatten(1, self.shape))


class IdentityEncoder(nn.Module):
    """The part of E_app that tells who it is: e_s ``(b, code, 4, 4)``."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.net = ResNet(config.identity)
        self.last = nn.Conv2d(config.identity.leaving, config.code, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """The descriptor of pictures, which are seen at the net's own size."""
        side = self.net.config.side
        features = self.net(resized(pictures, (side, side)))
        return functional.adaptive_avg_pool2d(self.last(features), PLACES)


class Pooled(nn.Module):
    """A residual network that tells ``count`` numbers of a picture."""

    def __init__(self, net: ResNet, count: int) -> None:
        super().__init__()
        self.net = net
        self.last = nn.Linear(net.config.leaving, count)

    def forward(self, pictures: Tensor) -> Tensor:
        """Numbers ``(b, count)``; pictures are seen at the net's own size."""
        side = self.net.config.side
        return self.last(self.net(resized(pictures, (side, side))).mean((2, 3)))


class PoseEncoder(Pooled):
    """The part of E_mtn that tells poses; it is trained first, on tracked heads, and frozen."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(ResNet(config.pose), len(POSE))

    def forward(self, pictures: Tensor) -> Tensor:
        """Poses ``(b, 7)``, see `pose`; sizes are told by their logarithm."""
        found = super().forward(pictures).float()
        angles = found[:, :3].clamp(-torch.pi / 2, torch.pi)
        return torch.cat([angles, found[:, 3:6], found[:, 6:].clamp(-3, 3).exp()], 1)


class WarpGenerator(nn.Module):
    """W: what a face does and who it is, as offsets ``(b, d, h, w, 3)`` of places in a volume."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.shape = (config.depth, config.places, config.places)
        self.corners = config.corners
        self.code = config.code
        places = PLACES**2
        self.express = nn.Linear(config.expression_width, config.code * places, bias=False)
        self.mix = nn.Conv2d(config.code, config.code, 1, bias=False)
        self.first = nn.Conv2d(config.code, config.code * PLACES, 1)
        self.blocks = nn.ModuleList(
            Residual(a, b, 3, (config.code, places))
            for a, b in pairwise((config.code, *config.warp))
        )
        self.last = output(config.warp[-1], 3, 3)

    def forward(self, expression: Tensor, identity: Tensor) -> Tensor:
        """Offsets for expressions ``(b, z)`` and descriptors ``(b, code, 4, 4)``, within -1..1."""
        told = self.express(expression).view_as(identity)
        mixed = self.mix((told + identity) * 0.5)
        x = self.first(mixed).unflatten(1, (self.code, PLACES))
        code = mixed.flatten(2)
        depth, side, _ = self.shape
        for block in self.blocks:
            x = block(x, code)
            d, h, _ = x.shape[2:]
            x = resized(x, (min(2 * d, depth), *[min(2 * h, side)] * 2))
        return self.last(x).tanh().movedim(1, -1)

    def places(self, expression: Tensor, identity: Tensor) -> Tensor:
        """Where each voxel comes from: the offsets on top of the voxels' own places."""
        offsets = self.forward(expression, identity)
        return identity_grid(self.shape, offsets, self.corners) + offsets


class Canonical(nn.Module):
    """G3D: a U-Net over volumes.

    Its first step down halves height and width and doubles the depth, the second halves all three.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        channels, widths = config.channels, config.canonical
        self.down = nn.ModuleList(Residual(a, b, 3) for a, b in pairwise((channels, *widths)))
        self.middle = Residual(widths[-1], widths[-1], 3)
        self.bridges = nn.ModuleList(Residual(w, w, 3) for w in widths[:-1])
        self.up = nn.ModuleList(Residual(b, a, 3) for a, b in pairwise(widths))
        self.end = Residual(widths[0], channels, 3)
        self.last = output(channels, channels, 3)

    def forward(self, volume: Tensor) -> Tensor:
        """A canonical volume of the same shape."""
        x, kept = volume, []
        for step, block in enumerate(self.down):
            x = block(x)
            if step < len(self.down) - 1:
                kept.append(x)
                d, h, w = x.shape[2:]
                x = resized(x, (d // 2 if step else d * 2, h // 2, w // 2))
        x = self.middle(x)
        for block, bridge, before in reversed(list(zip(self.up, self.bridges, kept, strict=True))):
            x = resized(block(x), before.shape[2:]) + bridge(before)
        return self.last(self.end(x))


class Expansion(nn.Module):
    """Flat features ``(b, c, h, w)`` to channels of a picture ``(b, count, 2^n h, 2^n w)``."""

    def __init__(self, entering: int, config: DecoderConfig, count: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(entering, config.body, 1)
        self.body = nn.Sequential(
            *(Residual(config.body, config.body) for _ in range(config.blocks))
        )
        widths = (config.body, *config.widths)
        self.up = nn.ModuleList(Residual(a, b) for a, b in pairwise(widths))
        more = range(config.last_blocks - 1)
        self.rest = nn.Sequential(*(Residual(widths[-1], widths[-1]) for _ in more))
        self.last = output(widths[-1], count)

    def forward(self, features: Tensor) -> Tensor:
        """The channels, not yet bounded."""
        x = self.body(self.first(features))
        for block in self.up:
            h, w = x.shape[2:]
            x = block(resized(x, (2 * h, 2 * w)))
        return self.last(self.rest(x))


class Enhancer(nn.Module):
    """G_enh: pictures ``(b, 3, h, w)`` in -1..1 at twice their size."""

    def __init__(self, config: EnhancerConfig) -> None:
        super().__init__()
        self.see = Contraction(config.widths)
        self.draw = Expansion(config.widths[-1], config.decoder, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures ``(b, 3, 2h, 2w)`` in -1..1."""
        return self.draw(self.see(pictures)).tanh()
