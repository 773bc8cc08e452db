"""StableSyncNet: whether sixteen frames of lips fit their sound (arXiv:2412.09262, section 3.4).

One convolutional encoder looks at all frames at once, stacked as channels, another one hears the
mel spectrogram. Parameters have the names of ``stable_syncnet.pt``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from lipkit.errors import BadUsage
from lipkit.models.latentsync.syncnet_config import (
    RELEASED,
    EncoderConfig,
    Factor,
    SyncNetConfig,
)
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint, read_checkpoint
from lipkit.models.parts.weights import locate

if TYPE_CHECKING:
    from lipkit.models.parts.weights import WeightSet

EPSILON = 1e-6
GROUPS = 32
HEADS = 8
MEL_BANDS = 80

RULES = (Rule(r"((?:audio|visual)_encoder\..+)", r"\1"),)


def norm(width: int) -> nn.GroupNorm:
    """The norm that all layers have."""
    return nn.GroupNorm(min(GROUPS, width), width, EPSILON)


class Stage(nn.Module):
    """A residual block, and after it a convolution that makes the picture smaller."""

    def __init__(self, inside: int, outside: int, factor: Factor, dropout: float) -> None:
        super().__init__()
        self.norm1 = norm(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2 = norm(outside)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1)
        same = inside == outside
        self.conv_shortcut = nn.Identity() if same else nn.Conv2d(inside, outside, 1)
        height, width = (factor, factor) if isinstance(factor, int) else factor
        self.downsample_conv: nn.Conv2d | None = None
        if (height, width) != (1, 1):
            self.downsample_conv = nn.Conv2d(outside, outside, 3, (height, width))
        # an axis that keeps its size is padded on both sides, others below and on the right
        self.margins = (int(width == 1), 1, int(height == 1), 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """The next, smaller picture ``(b, c, h, w)``."""
        found = self.conv1(functional.silu(self.norm1(hidden)))
        found = self.conv2(self.dropout(functional.silu(self.norm2(found))))
        found = found + self.conv_shortcut(hidden)
        if self.downsample_conv is None:
            return found
        return self.downsample_conv(functional.pad(found, self.margins))


class AttentionStage(nn.Module):
    """A transformer block over all places of a picture."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = norm(width)
        self.conv_in = nn.Conv2d(width, width, 1)
        self.norm2 = nn.LayerNorm(width, EPSILON)
        self.attn = Attention(
            width, heads=HEADS, dim_head=width // HEADS, dropout=dropout, bias=True
        )
        self.norm3 = nn.LayerNorm(width, EPSILON)
        self.ff = FeedForward(width, dropout=dropout, activation_fn="geglu")
        self.conv_out = nn.Conv2d(width, width, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        """The picture ``(b, c, h, w)`` after every place looked at all others."""
        tokens = self.conv_in(self.norm1(hidden)).flatten(2).transpose(1, 2)
        tokens = tokens + self.attn(self.norm2(tokens))
        tokens = tokens + self.ff(self.norm3(tokens))
        return hidden + self.conv_out(tokens.transpose(1, 2).unflatten(2, hidden.shape[2:]))


class Encoder(nn.Module):
    """From a picture ``(b, c, h, w)`` to an embedding ``(b, d)`` of length one, none below 0."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        widths = config.block_out_channels
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        stages: list[nn.Module] = []
        for index, width in enumerate(widths):
            before, factor = widths[max(index - 1, 0)], config.downsample_factors[index]
            stages.append(Stage(before, width, factor, config.dropout))
            if config.attn_blocks and config.attn_blocks[index]:
                stages.append(AttentionStage(width, config.dropout))
        self.down_blocks = nn.ModuleList(stages)
        self.norm_out = norm(widths[-1])
        self.checkpointing = False  # recompute stages on the way back, to save memory

    def enable_gradient_checkpointing(self) -> None:
        """Keep what goes into stages only, and compute the rest again on the way back."""
        self.checkpointing = True

    def forward(self, picture: Tensor) -> Tensor:
        """The embedding; `BadUsage` where the stages leave more than one place of the picture."""
        hidden = self.conv_in(picture)
        for stage in self.down_blocks:
            again = self.checkpointing and torch.is_grad_enabled()
            hidden = checkpoint(stage, hidden, use_reentrant=False) if again else stage(hidden)
        if hidden.shape[2:] != (1, 1):
            size, left = ("x".join(map(str, t.shape[2:])) for t in (picture, hidden))
            raise BadUsage(
                f"downsample_factors leave {left} of {size} places", hint="they must leave one"
            )
        return functional.normalize(functional.relu(self.norm_out(hidden)).flatten(1))


class StableSyncNet(nn.Module):
    """Embeddings of lips and sound whose cosine is near 1 where both fit, and never below 0."""

    def __init__(self, config: SyncNetConfig) -> None:
        super().__init__()
        self.config = config
        self.audio_encoder = Encoder(config.audio_encoder)
        self.visual_encoder = Encoder(config.visual_encoder)

    def forward(self, frames: Tensor, mels: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of ``frames (b, f * c, h, w)`` and of ``mels (b, 1, 80, t)``."""
        return self.visual_encoder(frames), self.audio_encoder(mels)


def lower_half(frames: Tensor) -> Tensor:
    """What the visual encoder looks at ``(b, f * 3, h / 2, w)`` of ``frames (b, f, 3, h, w)``.

    Frames are in -1..1; all colours of the first frame come first.
    """
    return frames[..., frames.shape[-2] // 2 :, :].flatten(1, 2)


def build(config: SyncNetConfig = RELEASED) -> StableSyncNet:
    """The network on the meta device: shapes without numbers, to load weights into."""
    with torch.device("meta"):
        return StableSyncNet(config).eval()


def fitting(tensors: Mapping[str, Tensor]) -> SyncNetConfig:
    """The released config, or the same without attention, as the tensors have it."""
    if any(".attn." in name for name in tensors):
        return RELEASED
    return SyncNetConfig(
        replace(RELEASED.audio_encoder, attn_blocks=()),
        replace(RELEASED.visual_encoder, attn_blocks=()),
    )


def adopt(
    given: Checkpoint, wanted: WeightSet | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights of ``stable_syncnet.pt`` and the config that they fit.

    A config in the checkpoint counts, else the released one.
    """
    told = {k: v for k, v in given.config.items() if k.endswith("_encoder")}
    config = SyncNetConfig.of(told) if told else fitting(given.tensors)
    expected = build(config).state_dict()
    return convert(given.tensors, RULES, expected, str(given.file)), asdict(config)


def load(*, weights: str | None = None, device: str = "cpu") -> StableSyncNet:
    """The network with its stored weights, or with those of a file."""
    tensors, config = adopt(read_checkpoint(weights or locate("stable-syncnet")))
    network = build(SyncNetConfig.of(config))
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(False).to(device)
