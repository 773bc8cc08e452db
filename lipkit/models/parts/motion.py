"""Attention over time, and group norms whose statistics run over one frame or over a whole clip."""

from __future__ import annotations

from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D
from torch import Tensor, nn

from lipkit.models.parts.diffusion_config import MotionConfig


def fold(clip: Tensor) -> Tensor:
    """Clips ``(b, c, f, h, w)`` as pictures ``(b*f, c, h, w)``."""
    return clip.transpose(1, 2).flatten(0, 1)


def unfold(pictures: Tensor, frames: int) -> Tensor:
    """Pictures ``(b*f, c, h, w)`` as clips ``(b, c, f, h, w)``."""
    return pictures.unflatten(0, (-1, frames)).transpose(1, 2)


def normed(norm: nn.GroupNorm, pictures: Tensor, span: int) -> Tensor:
    """``norm`` of pictures ``(b*f, c, h, w)`` with statistics over ``span`` frames in a row."""
    if span == 1:
        return norm(pictures)
    return fold(norm(unfold(pictures, span)))


class MotionModule(AnimateDiffTransformer3D):
    """AnimateDiff's motion module (arXiv:2307.04725); adds nothing until it is trained.

    diffusers' own takes the norm over the clip; most released weights were trained per frame.
    """

    def __init__(self, channels: int, config: MotionConfig) -> None:
        super().__init__(
            num_attention_heads=config.heads,
            attention_head_dim=channels // config.heads // config.divisor,
            in_channels=channels,
            num_layers=config.blocks,
            norm_num_groups=config.groups,
            positional_embeddings="sinusoidal",
            num_positional_embeddings=config.table,
        )
        self.over_clip = config.scope == "clip"
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(self, pictures: Tensor, frames: int) -> Tensor:
        """Pictures ``(b*f, c, h, w)`` that know of the ``frames`` of their clip."""
        _, _, height, width = pictures.shape
        x = normed(self.norm, pictures, frames if self.over_clip else 1)
        x = x.unflatten(0, (-1, frames)).permute(0, 3, 4, 1, 2).flatten(0, 2)  # (b*h*w, f, c)
        x = self.proj_in(x)
        for block in self.transformer_blocks:
            x = block(x)
        x = self.proj_out(x).unflatten(0, (-1, height, width))
        return pictures + x.permute(0, 3, 4, 1, 2).flatten(0, 1)
