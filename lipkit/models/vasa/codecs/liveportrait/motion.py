"""M, LivePortrait's motion extractor, and what its numbers mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.models.vasa.codecs.liveportrait.config import MotionConfig

BIN_DEGREES = 3.0
FIRST_BIN = -97.5  # degrees; face-vid2vid's was -99


@dataclass(frozen=True)
class Motion:
    """Where a face is and what it does, a row a frame.

    ``points (f, k, 3)`` of the face at rest, ``expression (f, k, 3)`` their displacement,
    ``pitch``, ``yaw``, ``roll`` ``(f, 1)`` in degrees, ``shift (f, 3)``, ``scale (f, 1)``.
    """

    points: Tensor
    expression: Tensor
    pitch: Tensor
    yaw: Tensor
    roll: Tensor
    shift: Tensor
    scale: Tensor

    def __len__(self) -> int:
        return len(self.scale)

    def __getitem__(self, rows: Any) -> Motion:
        return Motion(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def rotation(self) -> Tensor:
        """Rotations ``(f, 3, 3)`` for rows of points."""
        return rotation(self.pitch, self.yaw, self.roll)

    @property
    def placed(self) -> Tensor:
        """Keypoints ``(f, k, 3)`` as they lie in the picture."""
        return placed(self.points, self.expression, self.rotation, self.shift, self.scale)

    def to(self, like: Tensor) -> Motion:
        """The same on another device and in another number type."""
        return replace(self, **{f.name: getattr(self, f.name).to(like) for f in fields(self)})


class MotionExtractor(nn.Module):
    """ConvNeXt V2 (Woo et al. 2023) with a linear head for each quantity."""

    def __init__(self, config: MotionConfig) -> None:
        from transformers import ConvNextV2Config, ConvNextV2Model

        super().__init__()
        self.config = config
        shape = ConvNextV2Config(
            depths=list(config.depths), hidden_sizes=list(config.widths), layer_norm_eps=1e-6
        )
        self.detector = ConvNextV2Model(shape)
        self.detector.embeddings.layernorm = ChannelNorm(config.widths[0])
        for stage, width in zip(self.detector.encoder.stages[1:], config.widths, strict=False):
            stage.downsampling_layer[0] = ChannelNorm(width)
        heads = {
            "points": 3 * config.points,
            "expression": 3 * config.points,
            "pitch": config.bins,
            "yaw": config.bins,
            "roll": config.bins,
            "shift": 3,
            "scale": 1,
        }
        last = config.widths[-1]
        self.heads = nn.ModuleDict({name: nn.Linear(last, n) for name, n in heads.items()})

    def features(self, images: Tensor) -> Tensor:
        """Features ``(f, d)`` of ``images (f, 3, h, w)`` in 0..1."""
        return self.detector(images).pooler_output

    def numbers(self, features: Tensor) -> dict[str, Tensor]:
        """What each head says, angles still as bins."""
        return {name: head(features) for name, head in self.heads.items()}

    def forward(self, images: Tensor) -> Motion:
        """The motion in ``images (f, 3, h, w)`` in 0..1."""
        said = self.numbers(self.features(images))
        points = {key: said[key].unflatten(1, (-1, 3)) for key in ("points", "expression")}
        angles = {key: degrees(said[key])[:, None] for key in ("pitch", "yaw", "roll")}
        return Motion(**points, **angles, shift=said["shift"], scale=said["scale"])


class ChannelNorm(nn.Module):
    """A layer norm over the channels of a map, step by step as in the released code.

    torch's own rounds otherwise, and the angles, sums over 66 bins, enlarge that tenfold.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """``x (b, c, h, w)`` of the same shape."""
        away = x - x.mean(1, keepdim=True)
        even = away / (away.square().mean(1, keepdim=True) + 1e-6).sqrt()
        return self.weight[:, None, None] * even + self.bias[:, None, None]


def degrees(logits: Tensor) -> Tensor:
    """Angles ``(...)`` in degrees out of votes ``(..., bins)`` for bins of three degrees."""
    bins = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
    return (logits.softmax(-1) * bins).sum(-1) * BIN_DEGREES + FIRST_BIN


def rotation(pitch: Tensor, yaw: Tensor, roll: Tensor) -> Tensor:
    """Rotations ``(f, 3, 3)`` for rows of points, of angles ``(f, 1)`` in degrees.

    The transpose of ``Rz(roll) Ry(yaw) Rx(pitch)``.
    """
    x, y, z = (angle.reshape(-1) / 180 * math.pi for angle in (pitch, yaw, roll))
    one, none = torch.ones_like(x), torch.zeros_like(x)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, -1).unflatten(-1, (3, 3))

    about_x = matrix(one, none, none, none, x.cos(), -x.sin(), none, x.sin(), x.cos())
    about_y = matrix(y.cos(), none, y.sin(), none, one, none, -y.sin(), none, y.cos())
    about_z = matrix(z.cos(), -z.sin(), none, z.sin(), z.cos(), none, none, none, one)
    return (about_z @ about_y @ about_x).transpose(1, 2)


def placed(
    points: Tensor, expression: Tensor, turn: Tensor, shift: Tensor, scale: Tensor
) -> Tensor:
    """``scale (points turn + expression) + shift`` (LivePortrait, eq. 2); depth is not shifted."""
    flat = torch.cat([shift[:, :2], torch.zeros_like(shift[:, 2:])], 1)
    return scale[:, :, None] * (points @ turn + expression) + flat[:, None]
