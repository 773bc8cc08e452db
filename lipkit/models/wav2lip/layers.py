"""What Wav2Lip's three networks are built of, as tables of layers in units of a base width."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from torch import Tensor, nn

from lipkit.models.parts.wav2lip_syncnet import Spec


def scaled(specs: Iterable[Spec], width: int) -> tuple[Spec, ...]:
    """Layers of ``width`` channels where the table says 1."""
    return tuple(spec._replace(width=spec.width * width) for spec in specs)


def widths_of(stages: Iterable[tuple[Spec, ...]]) -> list[int]:
    """The channels that each stage gives."""
    return [stage[-1].width for stage in stages]


class Upconvolution(nn.Module):
    """A transposed convolution that doubles the size, or makes 3 of 1, with norm and ReLU."""

    def __init__(self, inside: int, spec: Spec) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ConvTranspose2d(
                inside,
                spec.width,
                spec.kernel,
                spec.stride,
                spec.padding,
                output_padding=int(spec.stride == 2),
            ),
            nn.BatchNorm2d(spec.width),
        )
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output ``(b, c, h, w)``."""
        return self.act(self.conv_block(x))


class PlainConvolution(nn.Module):
    """A convolution without norm, as discriminators have."""

    def __init__(self, inside: int, spec: Spec) -> None:
        super().__init__()
        convolution = nn.Conv2d(inside, spec.width, spec.kernel, spec.stride, spec.padding)
        self.conv_block = nn.Sequential(convolution)
        self.act = nn.LeakyReLU(0.01)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output ``(b, c, h, w)``."""
        return self.act(self.conv_block(x))


def plain(inside: int, specs: tuple[Spec, ...]) -> nn.Sequential:
    """A stage of a discriminator."""
    widths = (inside, *(spec.width for spec in specs))
    pairs = zip(pairwise(widths), specs, strict=True)
    return nn.Sequential(*(PlainConvolution(before, spec) for (before, _), spec in pairs))


def fold(clip: Tensor) -> Tensor:
    """Frames ``(f*b, c, h, w)`` of clips ``(b, c, f, h, w)``, all clips' first frames first."""
    return clip.movedim(2, 0).flatten(0, 1)


def unfold(frames: Tensor, count: int) -> Tensor:
    """Clips ``(b, c, f, h, w)`` of ``count`` frames out of what `fold` makes of them."""
    return frames.unflatten(0, (count, -1)).movedim(0, 2)
