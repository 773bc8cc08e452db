"""AniPortrait's pose guider: drawn poses as features that are added to the UNet's activations."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.parts.motion import fold, unfold
from lipkit.models.vlogger.aniportrait.config import GuiderConfig

# The trunk's convolutions: width and kernel; those of even kernels halve the picture.
TRUNK = ((3, 3), (16, 4), (16, 3), (32, 4), (32, 3), (64, 4), (64, 3), (128, 3))
SCALE = 2.0  # of the first features, before training


class Convolution(nn.Module):
    """A convolution, a batch norm and a rectifier."""

    def __init__(self, given: int, made: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(given, made, kernel, stride, 1)
        self.norm = nn.BatchNorm2d(made)

    def forward(self, x: Tensor, alone: bool) -> Tensor:
        """``x (n, c, h, w)`` after it; ``alone``: the norm knows these pictures only."""
        x, norm = self.convolve(x), self.norm
        if alone and not self.training:
            made = functional.batch_norm(
                x, None, None, norm.weight, norm.bias, training=True, eps=norm.eps
            )
        else:
            made = norm(x)
        return functional.relu(made)


class PoseGuider(nn.Module):
    """Five levels of features, of which all but the first have attention within a picture.

    The official network also takes the reference's pose, which never reaches its result.
    """

    def __init__(self, form: GuiderConfig) -> None:
        super().__init__()
        self.form = form
        inner = [made for made, _ in TRUNK]
        self.trunk = nn.ModuleList(
            Convolution(given, made, kernel, 2 - kernel % 2)
            for given, (made, kernel) in zip([3, *inner], TRUNK, strict=False)
        )
        width = form.width
        self.project = nn.Conv2d(inner[-1], width, 1)
        self.scale = nn.Parameter(torch.full((1,), SCALE))
        widths = (width, width, 2 * width, 4 * width)
        self.levels = nn.ModuleList(
            nn.ModuleList([Convolution(given, given), Convolution(given, made, stride=2)])
            for given, made in pairwise(widths)
        )
        self.levels.append(nn.ModuleList([Convolution(widths[-1], widths[-1])]))
        self.attention = nn.ModuleList(looking(made, form) for made in (*widths[1:], widths[-1]))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Features ``(b, c, f, h, w)`` of ``pictures (b, 3, f, H, W)``, 1/8 to 1/64 as large.

        With batch statistics a result depends on all pictures of the call.
        """
        frames = pictures.shape[2]
        return [unfold(features, frames) for features in self.seen(fold(pictures))]

    def seen(self, x: Tensor) -> Iterator[Tensor]:
        """The features of pictures ``(n, 3, H, W)``, level by level."""
        alone = self.form.norm == "batch"
        for convolution in self.trunk:
            x = convolution(x, alone)
        x = self.project(x) * self.scale
        yield x
        for level, attention in zip(self.levels, self.attention, strict=True):
            for convolution in level:
                x = convolution(x, alone)
            if self.form.attention:
                x = attention(x, return_dict=False)[0]
            yield x

    def pixels(self, drawn: Tensor) -> Tensor:
        """Drawings ``(b, 3, f, H, W)`` of bytes in the range that this network knows."""
        shares = drawn.to(self.scale.dtype)
        return 2 * (shares if self.form.pixels == "raw" else shares / 255) - 1


def looking(width: int, form: GuiderConfig) -> Transformer2DModel:
    """A transformer block over the places of a picture."""
    return Transformer2DModel(
        num_attention_heads=form.heads,
        attention_head_dim=form.head_width,
        in_channels=width,
        norm_num_groups=form.groups,
    )
