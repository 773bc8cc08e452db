"""I3D, Inception inflated to video, with the names of ``i3d_pretrained_400.pt`` (VideoGPT's FVD).

Carreira and Zisserman 2017, arXiv:1705.07750; trained on Kinetics-400. Padding is TensorFlow's
"same": so that sizes halve rounding up, with the odd pixel behind.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert, counted
from lipkit.models.parts.foreign import Checkpoint

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = 400
MIXED = {  # channels in; out of 1 x 1; into and out of twice 3 x 3; out of the pool
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}
POOLS = {  # kernel and stride of the pool before a block
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}
Triple = tuple[int, int, int]


def same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """``x (b, c, t, h, w)`` with zeros around, so that sizes become ``ceil(size / stride)``."""
    edges: list[int] = []
    for size, k, s in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        missing = max(k - (size % s or s), 0)
        edges += [missing // 2, missing - missing // 2]
    return functional.pad(x, edges)


def pool(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """Maxima over ``kernel``; the zeros around count, as in the original."""
    return functional.max_pool3d(same(x, kernel, stride), kernel, stride)


class Unit(nn.Module):
    """Convolution with batch norm and ReLU, or with a bias alone for the last one."""

    def __init__(
        self, wide: int, out: int, kernel: int = 1, stride: int = 1, *, last: bool = False
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(wide, out, kernel, stride, bias=last)
        if not last:
            self.bn = nn.BatchNorm3d(out)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        """``(b, wide, t, h, w)`` to ``(b, out, t', h', w')``."""
        x = self.conv3d(same(x, self.conv3d.kernel_size, self.conv3d.stride))
        return x if self.last else functional.relu(self.bn(x), inplace=True)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, wide: int, *widths: int) -> None:
        super().__init__()
        one, three_in, three, other_in, other, pooled = widths
        self.b0 = Unit(wide, one)
        self.b1a = Unit(wide, three_in)
        self.b1b = Unit(three_in, three, 3)
        self.b2a = Unit(wide, other_in)
        self.b2b = Unit(other_in, other, 3)
        self.b3b = Unit(wide, pooled)

    def forward(self, x: Tensor) -> Tensor:
        """The branches' channels in order."""
        pooled = self.b3b(pool(x, (3, 3, 3), (1, 1, 1)))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), pooled], 1)


class I3d(nn.Module):
    """Logits ``(b, 400)`` of videos ``(b, 3, t, 224, 224)`` in -1..1 with nine frames or more."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        for name, widths in MIXED.items():
            setattr(self, name, Mixed(*widths))
        self.logits = Unit(1024, CLASSES, last=True)

    @property
    def device(self) -> torch.device:
        """Where the network lies."""
        return self.logits.conv3d.weight.device

    def forward(self, videos: Tensor) -> Tensor:
        """The classes' logits, averaged over time."""
        x = pool(self.Conv3d_1a_7x7(videos), *POOLS["Mixed_3b"])
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in MIXED:
            if name in POOLS:
                x = pool(x, *POOLS[name])
            x = getattr(self, name)(x)
        x = functional.avg_pool3d(x, (2, 7, 7), 1)
        return self.logits(x).mean((2, 3, 4))


class Graph:
    """The public TorchScript file of I3D; it takes and gives what `I3d` does.

    The file can scale and resize by itself; both are left to the caller, for recipes differ there.
    """

    def __init__(self, path: Path, device: str) -> None:
        self.device = torch.device(device)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # there is no other file
                self._graph = torch.jit.load(path, map_location=self.device).eval()
        except RuntimeError as problem:
            reason = str(problem).strip().splitlines()[0]
            raise WeightsError(f"{path}: not a TorchScript file: {reason}") from None

    def __call__(self, videos: Tensor) -> Tensor:
        """Logits ``(b, 400)`` of ``videos (b, 3, t, 224, 224)``, in whichever range they are."""
        return self._graph(videos, rescale=False, resize=False, return_features=True)


def adopt(checkpoint: Checkpoint, wanted: Any = None) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of the public file, strictly; there is nothing to configure."""
    with torch.device("meta"):
        expected = I3d().state_dict()
    given = counted(checkpoint.tensors, expected)
    return convert(given, [Rule("(.+)", r"\1")], expected, str(checkpoint.file)), {}
