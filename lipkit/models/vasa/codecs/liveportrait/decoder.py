"""G, LivePortrait's decoder: flat features to a picture, by spatially adaptive norms."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.vasa.codecs.liveportrait.config import DecoderConfig

HIDDEN = 128
MIDDLE = 6

leaky = partial(functional.leaky_relu, negative_slope=0.2)


class Spade(nn.Module):
    """An instance norm whose gain and bias a map says for each place (Park et al. 2019)."""

    def __init__(self, width: int, entering: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(width, affine=False)
        self.shared = nn.Conv2d(entering, HIDDEN, 3, padding=1)
        self.gamma = nn.Conv2d(HIDDEN, width, 3, padding=1)
        self.beta = nn.Conv2d(HIDDEN, width, 3, padding=1)

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """``x (b, c, h, w)`` by ``guide (b, e, h', w')``."""
        near = functional.interpolate(guide, x.shape[2:])
        inner = functional.relu(self.shared(near))
        return self.norm(x) * (1 + self.gamma(inner)) + self.beta(inner)


class SpadeBlock(nn.Module):
    """Two normed convolutions beside a shortcut, which is one itself where the width changes.

    The official convolutions carry spectral norms, which are folded into their weights here.
    """

    def __init__(self, entering: int, leaving: int, guide: int) -> None:
        super().__init__()
        inner = min(entering, leaving)
        self.norm_0, self.norm_1 = Spade(entering, guide), Spade(inner, guide)
        self.conv_0 = nn.Conv2d(entering, inner, 3, padding=1)
        self.conv_1 = nn.Conv2d(inner, leaving, 3, padding=1)
        changes = entering != leaving
        self.norm_s = Spade(entering, guide) if changes else None
        self.conv_s = nn.Conv2d(entering, leaving, 1, bias=False) if changes else None

    def forward(self, x: Tensor, guide: Tensor) -> Tensor:
        """``x (b, entering, h, w)`` as ``(b, leaving, h, w)``."""
        inner = self.conv_0(leaky(self.norm_0(x, guide)))
        inner = self.conv_1(leaky(self.norm_1(inner, guide)))
        if self.norm_s is not None and self.conv_s is not None:
            x = self.conv_s(self.norm_s(x, guide))
        return x + inner


class Decoder(nn.Module):
    """Residual blocks under the features' own guidance, doubled twice or three times."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        guide = config.entering
        self.first = nn.Conv2d(guide, 2 * guide, 3, padding=1)
        self.middle = nn.ModuleList(SpadeBlock(2 * guide, 2 * guide, guide) for _ in range(MIDDLE))
        self.up = nn.ModuleList(
            [SpadeBlock(2 * guide, guide, guide), SpadeBlock(guide, config.out_width, guide)]
        )
        self.last = nn.Conv2d(config.out_width, 3 * config.enlargement**2, 3, padding=1)
        self.enlarge = nn.PixelShuffle(config.enlargement)

    def forward(self, features: Tensor) -> Tensor:
        """Pictures ``(b, 3, 4 n h, 4 n w)`` in 0..1 of ``features (b, c, h, w)``."""
        x = self.first(features)
        for block in self.middle:
            x = block(x, features)
        for block in self.up:
            x = block(functional.interpolate(x, scale_factor=2), features)
        return self.enlarge(self.last(leaky(x))).sigmoid()
