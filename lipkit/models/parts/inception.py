"""Inception-v3 as TensorFlow released it on 2015-12-05: the network behind FID.

Szegedy et al. 2015, arXiv:1512.00567. It differs from other Inception-v3s in three places: average
pools do not count their padding, the last block pools by maximum, and there are 1008 classes. Names
are those of ``weights-inception-2015-12-05-6726825d.pth``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.convert import Rule, convert, counted
from lipkit.models.parts.foreign import Checkpoint

SIDE = 299
WIDTH = 2048
MEAN_POOL = partial(
    functional.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False
)
MAX_POOL = partial(functional.max_pool2d, kernel_size=3, stride=1, padding=1)
HALVE = partial(functional.max_pool2d, kernel_size=3, stride=2)


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, wide: int, out: int, kernel: int | tuple[int, int], **place: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(wide, out, kernel, bias=False, **place)
        self.bn = nn.BatchNorm2d(out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """``(b, wide, h, w)`` to ``(b, out, h', w')``."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


def chain(x: Tensor, *units: nn.Module) -> Tensor:
    """``x`` through one unit after the other."""
    for unit in units:
        x = unit(x)
    return x


class BlockA(nn.Module):
    """35 x 35: branches of 1 x 1, 5 x 5, twice 3 x 3, pool."""

    def __init__(self, wide: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(wide, 64, 1)
        self.branch5x5_1 = Unit(wide, 48, 1)
        self.branch5x5_2 = Unit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Unit(wide, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, padding=1)
        self.branch_pool = Unit(wide, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        five = chain(x, self.branch5x5_1, self.branch5x5_2)
        three = chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3)
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(MEAN_POOL(x))], 1)


class BlockB(nn.Module):
    """35 x 35 to 17 x 17."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.branch3x3 = Unit(wide, 384, 3, stride=2)
        self.branch3x3dbl_1 = Unit(wide, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        three = chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3)
        return torch.cat([self.branch3x3(x), three, HALVE(x)], 1)


class BlockC(nn.Module):
    """17 x 17: 7 x 7 taken apart into rows and columns."""

    def __init__(self, wide: int, inner: int) -> None:
        super().__init__()
        row: dict[str, Any] = {"kernel": (1, 7), "padding": (0, 3)}
        column: dict[str, Any] = {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Unit(wide, 192, 1)
        self.branch7x7_1 = Unit(wide, inner, 1)
        self.branch7x7_2 = Unit(inner, inner, **row)
        self.branch7x7_3 = Unit(inner, 192, **column)
        self.branch7x7dbl_1 = Unit(wide, inner, 1)
        self.branch7x7dbl_2 = Unit(inner, inner, **column)
        self.branch7x7dbl_3 = Unit(inner, inner, **row)
        self.branch7x7dbl_4 = Unit(inner, inner, **column)
        self.branch7x7dbl_5 = Unit(inner, 192, **row)
        self.branch_pool = Unit(wide, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        seven = chain(x, self.branch7x7_1, self.branch7x7_2, self.branch7x7_3)
        twice = chain(x, *(getattr(self, f"branch7x7dbl_{i}") for i in range(1, 6)))
        return torch.cat([self.branch1x1(x), seven, twice, self.branch_pool(MEAN_POOL(x))], 1)


class BlockD(nn.Module):
    """17 x 17 to 8 x 8."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.branch3x3_1 = Unit(wide, 192, 1)
        self.branch3x3_2 = Unit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Unit(wide, 192, 1)
        self.branch7x7x3_2 = Unit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Unit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Unit(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        three = chain(x, self.branch3x3_1, self.branch3x3_2)
        seven = chain(x, *(getattr(self, f"branch7x7x3_{i}") for i in range(1, 5)))
        return torch.cat([three, seven, HALVE(x)], 1)


class BlockE(nn.Module):
    """8 x 8: 3 x 3 spread into a row beside a column; ``pool`` differs between the two of them."""

    def __init__(self, wide: int, pool: Any) -> None:
        super().__init__()
        row: dict[str, Any] = {"kernel": (1, 3), "padding": (0, 1)}
        column: dict[str, Any] = {"kernel": (3, 1), "padding": (1, 0)}
        self.pool = pool
        self.branch1x1 = Unit(wide, 320, 1)
        self.branch3x3_1 = Unit(wide, 384, 1)
        self.branch3x3_2a = Unit(384, 384, **row)
        self.branch3x3_2b = Unit(384, 384, **column)
        self.branch3x3dbl_1 = Unit(wide, 448, 1)
        self.branch3x3dbl_2 = Unit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Unit(384, 384, **row)
        self.branch3x3dbl_3b = Unit(384, 384, **column)
        self.branch_pool = Unit(wide, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """All branches side by side."""
        three = self.branch3x3_1(x)
        twice = chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2)
        spread = (self.branch3x3_2a(three), self.branch3x3_2b(three))
        twice_spread = (self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice))
        pooled = self.branch_pool(self.pool(x))
        return torch.cat([self.branch1x1(x), *spread, *twice_spread, pooled], 1)


class Inception(nn.Module):
    """Features ``(b, 2048)`` of pictures ``(b, 3, 299, 299)`` whose grey levels are 0..255."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = BlockA(192, 32)
        self.Mixed_5c = BlockA(256, 64)
        self.Mixed_5d = BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b = BlockC(768, 128)
        self.Mixed_6c = BlockC(768, 160)
        self.Mixed_6d = BlockC(768, 160)
        self.Mixed_6e = BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b = BlockE(1280, MEAN_POOL)
        self.Mixed_7c = BlockE(2048, MAX_POOL)
        self.fc = nn.Linear(2048, 1008)

    def forward(self, pictures: Tensor) -> Tensor:
        """The mean over space of the last block's output."""
        x = chain((pictures - 128) / 128, self.Conv2d_1a_3x3, self.Conv2d_2a_3x3)
        x = HALVE(self.Conv2d_2b_3x3(x))
        x = HALVE(chain(x, self.Conv2d_3b_1x1, self.Conv2d_4a_3x3))
        x = chain(x, self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a, self.Mixed_6b)
        x = chain(x, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e, self.Mixed_7a)
        return chain(x, self.Mixed_7b, self.Mixed_7c).mean((2, 3))


def resize_like_tensorflow(pictures: Tensor, side: int = SIDE) -> Tensor:
    """``pictures (b, c, h, w)`` float as ``(b, c, side, side)``, bilinear as in TensorFlow 1.

    Corners of pixels lie at integers there and nothing is averaged: the picture moves by a part of
    a pixel and large ones alias. FID as published is measured so.
    """
    for axis in (3, 2):
        size = pictures.shape[axis]
        # float32, in this order: the network's features follow its last bit
        place = torch.arange(side, dtype=torch.float32, device=pictures.device)
        place = place * torch.tensor(size / side, dtype=torch.float32)
        below = place.long()
        above = (below + 1).clamp_max(size - 1)
        share = (place - below).view(-1, *[1] * (3 - axis))
        low = pictures.index_select(axis, below)
        pictures = low + (pictures.index_select(axis, above) - low) * share
    return pictures


def adopt(checkpoint: Checkpoint, wanted: Any = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of the public file, strictly; there is nothing to configure."""
    with torch.device("meta"):
        expected = Inception().state_dict()
    given = counted(checkpoint.tensors, expected)
    return convert(given, [Rule("(.+)", r"\1")], expected, str(checkpoint.file)), {}
