"""A diffusion UNet in pixels, and the trainable copy of its encoder that hears controls.

Layers over time are convolutions in the first block of each level on the way down, before its
second group norm (section 3.2). Controls enter as in Zhang et al., "Adding Conditional Control to
Text-to-Image Diffusion Models" (2023), arXiv:2302.05543.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.embeddings import get_timestep_embedding
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn

from lipkit.models.parts.motion import fold, unfold
from lipkit.models.vlogger.config import UNetConfig


class Pass(NamedTuple):
    """What layers are told: the noise level ``(b, d)``, and how many frames a clip has."""

    time: Tensor
    frames: int


class Residual(nn.Module):
    """A residual block on pictures ``(b*f, c, h, w)``, which may look along time."""

    def __init__(self, given: int, made: int, form: UNetConfig, temporal: bool = False) -> None:
        super().__init__()
        self.block = ResnetBlock2D(
            in_channels=given,
            out_channels=made,
            temb_channels=4 * form.widths[0],
            groups=form.groups,
        )
        self.over_time = None
        if temporal:
            self.over_time = nn.Conv3d(made, made, (3, 1, 1), padding=(1, 0, 0))
            cleared(self.over_time)

    def forward(self, x: Tensor, told: Pass) -> Tensor:
        """``x`` and what is added to it."""
        block, act = self.block, self.block.nonlinearity
        push = block.time_emb_proj(act(told.time)).repeat_interleave(told.frames, 0)
        inner = block.conv1(act(block.norm1(x))) + push[:, :, None, None]
        if self.over_time is not None and told.frames > 1:
            inner = inner + fold(self.over_time(unfold(inner, told.frames)))
        inner = block.conv2(block.dropout(act(block.norm2(inner))))
        return inner + (x if block.conv_shortcut is None else block.conv_shortcut(x))


def looking(width: int, form: UNetConfig) -> Attention:
    """Attention of a picture's pixels."""
    return Attention(
        width,
        heads=form.heads,
        dim_head=width // form.heads,
        norm_num_groups=form.groups,
        bias=True,
        residual_connection=True,
    )


class Level(nn.Module):
    """Residual blocks at one size, some with attention."""

    def __init__(
        self, widths: Sequence[int], form: UNetConfig, attention: bool, temporal: bool = False
    ) -> None:
        super().__init__()
        *given, made = widths
        self.blocks = nn.ModuleList(
            Residual(width, made, form, temporal and k == 0) for k, width in enumerate(given)
        )
        count = len(given) if attention else 0
        self.attention = nn.ModuleList(looking(made, form) for _ in range(count))

    def step(self, k: int, x: Tensor, told: Pass) -> Tensor:
        """What block number ``k`` makes of ``x``."""
        x = self.blocks[k](x, told)
        return self.attention[k](x) if len(self.attention) else x


class Encoder(nn.Module):
    """The way down and the middle."""

    def __init__(self, channels: int, form: UNetConfig, temporal: bool) -> None:
        super().__init__()
        widths, deepest = form.widths, form.widths[-1]
        self.enter = nn.Conv2d(channels, widths[0], 3, padding=1)
        before = (widths[0], *widths)
        self.levels = nn.ModuleList(
            Level([before[k], *[width] * form.layers], form, k in form.attention, temporal)
            for k, width in enumerate(widths)
        )
        self.downs = nn.ModuleList(
            Downsample2D(width, use_conv=True, name="op") for width in widths[:-1]
        )
        self.first, self.last = (Residual(deepest, deepest, form) for _ in range(2))
        self.attention = looking(deepest, form) if form.attention else nn.Identity()

    def forward(
        self, x: Tensor, told: Pass, hint: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """What the way up takes over, in order, and the middle's output."""
        x = self.enter(x)
        x = x if hint is None else x + hint
        skips = [x]
        for k, level in enumerate(self.levels):
            for n in range(len(level.blocks)):
                x = level.step(n, x, told)
                skips.append(x)
            if k < len(self.downs):
                x = self.downs[k](x)
                skips.append(x)
        return skips, self.last(self.attention(self.first(x, told)), told)

    @property
    def over_time(self) -> list[nn.Parameter]:
        """The layers over time."""
        found = [block.over_time for level in self.levels for block in level.blocks]
        return [value for layer in found if layer is not None for value in layer.parameters()]


class UNet(nn.Module):
    """A denoiser of clips ``(b, c, f, h, w)``."""

    def __init__(self, channels: int, made: int, form: UNetConfig, temporal: bool = True) -> None:
        super().__init__()
        self.form = form
        self.encoder = Encoder(channels, form, temporal)
        width, widths = form.widths[0], form.widths
        self.time = nn.Sequential(
            nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width)
        )
        self.levels = nn.ModuleList()
        above = widths[-1]
        for k in reversed(range(len(widths))):
            skips = [widths[k]] * form.layers + [widths[max(0, k - 1)]]
            inner = [above, *[widths[k]] * form.layers]
            given = [own + skip for own, skip in zip(inner, skips, strict=True)]
            self.levels.append(Level([*given, widths[k]], form, k in form.attention))
            above = widths[k]
        self.ups = nn.ModuleList(Upsample2D(w, use_conv=True) for w in reversed(widths[1:]))
        self.norm = nn.GroupNorm(form.groups, width)
        self.leave = nn.Conv2d(width, made, 3, padding=1)
        cleared(self.leave)

    def told(self, times: Tensor, frames: int) -> Pass:
        """What layers are told of diffusion ``times (b,)``."""
        level = get_timestep_embedding(times, self.form.widths[0])
        return Pass(self.time(level.to(self.leave.weight.dtype)), frames)

    def forward(
        self, x: Tensor, times: Tensor, added: tuple[list[Tensor], Tensor] | None = None
    ) -> Tensor:
        """The prediction ``(b, c, f, h, w)`` for ``x`` at diffusion ``times (b,)``.

        ``added`` is what a control branch has for the way up, and for the middle.
        """
        told = self.told(times, x.shape[2])
        skips, deep = self.encoder(fold(x), told)
        if added is not None:
            skips = [skip + more for skip, more in zip(skips, added[0], strict=True)]
            deep = deep + added[1]
        for k, level in enumerate(self.levels):
            for n in range(len(level.blocks)):
                deep = level.step(n, torch.cat([deep, skips.pop()], 1), told)
            if k < len(self.ups):
                deep = self.ups[k](deep)
        return unfold(self.leave(nn.functional.silu(self.norm(deep))), x.shape[2])


class ControlBranch(nn.Module):
    """A copy of an encoder that also sees controls; its layers out begin at zero."""

    def __init__(self, channels: int, controls: int, form: UNetConfig) -> None:
        super().__init__()
        self.encoder = Encoder(channels, form, temporal=False)
        width = form.widths[0]
        self.hint = nn.Sequential(
            nn.Conv2d(controls, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )
        sizes = [width]
        for k, made in enumerate(form.widths):
            sizes += [made] * (form.layers + (k < len(form.widths) - 1))
        self.out = nn.ModuleList(cleared(nn.Conv2d(size, size, 1)) for size in sizes)
        self.middle = cleared(nn.Conv2d(form.widths[-1], form.widths[-1], 1))

    def forward(self, x: Tensor, controls: Tensor, told: Pass) -> tuple[list[Tensor], Tensor]:
        """What it adds to a UNet for ``x (b, c, f, h, w)`` and ``controls (b, k, f, h, w)``."""
        skips, deep = self.encoder(fold(x), told, self.hint(fold(controls)))
        return [layer(skip) for layer, skip in zip(self.out, skips, strict=True)], self.middle(deep)

    def begin(self, encoder: Encoder) -> None:
        """Take over the weights of the encoder that it is a copy of, but for layers over time."""
        wanted = self.encoder.state_dict()
        self.encoder.load_state_dict({k: v for k, v in encoder.state_dict().items() if k in wanted})


def cleared(layer: nn.Module) -> nn.Module:
    """The layer, which now gives zeros until it is trained."""
    for value in layer.parameters():
        nn.init.zeros_(value)
    return layer
