"""Wav2Lip's SyncNet as LatentSync compares with: five lower halves of faces, 0.2 s of mel.

Prajwal et al., "A Lip Sync Expert Is All You Need" (2020), arXiv:2008.10010. Parameters have the
names of LatentSync's code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {
    "leaky": lambda: nn.LeakyReLU(0.2),
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


class Spec(NamedTuple):
    """One layer."""

    width: int
    kernel: int = 3
    stride: int | tuple[int, int] = 1
    padding: int = 1
    residual: bool = False
    last: bool = False  # of those that end in a ReLU whatever the others do


def same(width: int, count: int) -> tuple[Spec, ...]:
    """Layers that add to what they are given."""
    return (Spec(width, residual=True),) * count


LIPS = (
    Spec(32, kernel=7, padding=3),
    *(Spec(64, kernel=5, stride=(1, 2)), *same(64, 2)),
    *(Spec(128, stride=2), *same(128, 3)),
    *(Spec(256, stride=3), *same(256, 2)),
    *(Spec(512, stride=2), *same(512, 2)),
    *(Spec(1024, stride=2), *same(1024, 2)),
    Spec(1024, stride=2, last=True),
    Spec(1024, padding=0, last=True),
    Spec(1024, kernel=1, padding=0, last=True),
)
SOUND = (
    *(Spec(32), *same(32, 2)),
    *(Spec(64, stride=(3, 1)), *same(64, 2)),
    *(Spec(128, stride=3), *same(128, 2)),
    *(Spec(256, stride=(3, 2)), *same(256, 2)),
    *(Spec(512), *same(512, 2)),
    Spec(1024, padding=0, last=True),
    Spec(1024, kernel=1, padding=0, last=True),
)


class Convolution(nn.Module):
    """A convolution with batch norm, then an activation."""

    def __init__(self, inside: int, spec: Spec, activation: str) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.Conv2d(inside, spec.width, spec.kernel, spec.stride, spec.padding),
            nn.BatchNorm2d(spec.width),
        )
        self.act = ACTIVATIONS["relu" if spec.last else activation]()
        self.residual = spec.residual

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output ``(b, c, h, w)``."""
        made = self.conv_block(x)
        return self.act(made + x if self.residual else made)


def encoder(
    inside: int, specs: tuple[Spec, ...], activation: str, divisor: int = 1
) -> nn.Sequential:
    """The layers of one encoder, its widths divided by ``divisor``."""
    specs = tuple(spec._replace(width=spec.width // divisor) for spec in specs)
    widths = (inside, *(spec.width for spec in specs))
    pairs: Any = zip(widths, specs, strict=False)
    return nn.Sequential(*(Convolution(width, spec, activation) for width, spec in pairs))


class Wav2LipSyncNet(nn.Module):
    """Embeddings of lips and sound whose cosine is near 1 where both fit, and never below 0."""

    def __init__(self, activation: str = "leaky", divisor: int = 1) -> None:
        super().__init__()
        self.visual_encoder = encoder(15, LIPS, activation, divisor)
        self.audio_encoder = encoder(1, SOUND, activation, divisor)

    def forward(self, frames: Tensor, mels: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings ``(b, d)`` of ``frames (b, 15, 128, 256)`` and ``mels (b, 1, 80, 16)``.

        ``d`` is 1024 without a divisor. Frames are in -1..1, all colours of the first one first.
        """
        found = self.visual_encoder(frames).flatten(1), self.audio_encoder(mels).flatten(1)
        lips, sound = (functional.normalize(each) for each in found)
        return lips, sound
