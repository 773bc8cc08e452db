"""What MegaPortraits' networks are made of (arXiv:2207.07621, supplement, section A).

Norms are group norms, and all convolutions but the first and the last of a network have
standardised weights. Volumes are ``(b, c, d, h, w)``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 32  # of a norm at most; four channels to a group at least
EPSILON = 1e-4


def standardised(weight: Tensor) -> Tensor:
    """Weights ``(o, i, ...)`` of no mean and a variance of one over the fan-in.

    Qiao et al. 2019, arXiv:1903.10520, scaled as by Brock et al. 2021, arXiv:2101.08692, eq. 1, so
    that a branch without a norm behind it does not grow with its width.
    """
    axes = tuple(range(1, weight.dim()))
    variance, mean = torch.var_mean(weight, axes, correction=0, keepdim=True)
    return (weight - mean) * torch.rsqrt(variance * weight[0].numel() + EPSILON)


class Standard2d(nn.Conv2d):
    """A convolution of pictures with standardised weights."""

    def forward(self, input: Tensor) -> Tensor:
        """``input (b, c, h, w)`` convolved."""
        return self._conv_forward(input, standardised(self.weight), self.bias)


class Standard3d(nn.Conv3d):
    """A convolution of volumes with standardised weights."""

    def forward(self, input: Tensor) -> Tensor:
        """``input (b, c, d, h, w)`` convolved."""
        return self._conv_forward(input, standardised(self.weight), self.bias)


CONVOLUTIONS: dict[int, type[nn.Conv2d] | type[nn.Conv3d]] = {2: Standard2d, 3: Standard3d}


def groups_of(channels: int) -> int:
    """Groups of a norm over so many channels."""
    groups = max(1, min(GROUPS, channels // 4))
    while channels % groups:
        groups -= 1
    return groups


def norm(channels: int) -> nn.GroupNorm:
    """A group norm of its own scale and shift."""
    return nn.GroupNorm(groups_of(channels), channels)


class AdaptiveNorm(nn.Module):
    """A group norm whose scale and shift are read off a code of the whole face.

    ``[gamma | beta] = U E V`` with a code ``E (width, places)`` and learned ``U (channels, width)``
    and ``V (places, 2)``: the "learned matrices" of the paper, section 3.2, as a product of low
    rank.
    """

    def __init__(self, channels: int, width: int, places: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups_of(channels), channels, affine=False)
        self.left = nn.Parameter(torch.randn(channels, width) / width**0.5)
        self.right = nn.Parameter(torch.randn(places, 2) / places**0.5)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """``x (b, c, ...)`` by a code ``(b, width, places)``."""
        gamma, beta = (self.left @ (code @ self.right)).unbind(-1)
        space = [1] * (x.dim() - 2)
        scale, shift = gamma.view(*gamma.shape, *space), beta.view(*beta.shape, *space)
        return self.norm(x) * (1 + scale) + shift


class Residual(nn.Module):
    """Two rounds of norm, ReLU and convolution, added to what came in; in 2 or 3 axes of space.

    With ``code``, width and places of a code, its norms follow one.
    """

    def __init__(
        self, entering: int, leaving: int, axes: int = 2, code: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        kind = CONVOLUTIONS[axes]
        widths = (entering, leaving)
        self.norms = nn.ModuleList(AdaptiveNorm(w, *code) if code else norm(w) for w in widths)
        self.convolutions = nn.ModuleList(kind(w, leaving, 3, padding=1) for w in widths)
        self.skip = nn.Identity() if entering == leaving else kind(entering, leaving, 1)

    def forward(self, x: Tensor, code: Tensor | None = None) -> Tensor:
        """``x (b, entering, ...)`` with ``leaving`` channels."""
        inner = x
        for normed, convolution in zip(self.norms, self.convolutions, strict=True):
            inner = normed(inner) if code is None else normed(inner, code)
            inner = convolution(functional.relu(inner))
        return self.skip(x) + inner


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """``x (b, c, ...)`` at another size: areas averaged, or places between interpolated."""
    size = tuple(size)
    if tuple(x.shape[2:]) == size:
        return x
    mode = "bilinear" if x.dim() == 4 else "trilinear"
    if all(a <= b for a, b in zip(size, x.shape[2:], strict=True)):
        return functional.adaptive_avg_pool2d(x, size) if x.dim() == 4 else pooled(x, size)
    return functional.interpolate(x, size, mode=mode, align_corners=False)


def pooled(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """A volume of averages over blocks that fill it evenly."""
    strides = tuple(a // b for a, b in zip(x.shape[2:], size, strict=True))
    return functional.avg_pool3d(x, strides)


def output(entering: int, leaving: int, axes: int = 2) -> nn.Sequential:
    """The end of a network: norm, ReLU and a plain convolution."""
    kind = {2: nn.Conv2d, 3: nn.Conv3d}[axes]
    return nn.Sequential(norm(entering), nn.ReLU(), kind(entering, leaving, 3, padding=1))
