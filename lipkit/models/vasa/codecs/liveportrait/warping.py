"""W, LivePortrait's warping module: a volume moved by keypoints and folded flat."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipkit.models.vasa.codecs.liveportrait.config import WarpConfig
from lipkit.models.vasa.codecs.liveportrait.layers import Unit

VARIANCE = 0.01  # of the blob around a keypoint, in units where the volume's side is 2

leaky = partial(functional.leaky_relu, negative_slope=0.01)


@dataclass(frozen=True)
class Flow:
    """Where each voxel comes from, ``field (b, d, h, w, 3)`` in x, y, z, and what hides it.

    ``occlusion (b, 1, h, w)`` is None for networks without it.
    """

    field: Tensor
    occlusion: Tensor | None


class Hourglass(nn.Module):
    """A U-Net over volumes that keeps their depth (face-vid2vid, figure 10)."""

    def __init__(self, entering: int, width: int, widest: int, blocks: int) -> None:
        super().__init__()
        widths = [min(widest, width * 2**i) for i in range(blocks + 1)]
        inward = [entering, *widths[1:]]
        self.down = nn.ModuleList(Unit(inward[i], inward[i + 1], 3) for i in range(blocks))
        outward = reversed(range(blocks))
        self.up = nn.ModuleList(
            Unit(widths[i + 1] * (1 if i == blocks - 1 else 2), widths[i], 3) for i in outward
        )
        self.leaving = widths[0] + entering
        self.last = Unit(self.leaving, self.leaving, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Features ``(b, leaving, d, h, w)`` of ``x (b, entering, d, h, w)``."""
        kept = [x]
        for block in self.down:
            kept.append(functional.avg_pool3d(block(kept[-1]), (1, 2, 2)))
        x = kept.pop()
        for block in self.up:
            x = block(functional.interpolate(x, scale_factor=(1, 2, 2)))
            x = torch.cat([x, kept.pop()], 1)
        return self.last(x)


class DenseMotion(nn.Module):
    """How a volume moves between its keypoints: a mixture of the keypoints' own shifts."""

    def __init__(self, config: WarpConfig) -> None:
        super().__init__()
        slots = config.points + 1
        self.compress = nn.Conv3d(config.channels, config.compressed, 1)
        self.norm = nn.BatchNorm3d(config.compressed)
        self.hourglass = Hourglass(
            slots * (config.compressed + 1),
            config.hourglass_width,
            config.hourglass_widest,
            config.hourglass_blocks,
        )
        self.mask = nn.Conv3d(self.hourglass.leaving, slots, 7, padding=3)
        flat = self.hourglass.leaving * config.depth
        self.occlusion = nn.Conv2d(flat, 1, 7, padding=3) if config.occlusion else None

    def compressed(self, volume: Tensor) -> Tensor:
        """The few channels ``(b, c, d, h, w)`` that each shift is tried on."""
        return functional.relu(self.norm(self.compress(volume)))

    def seen(self, compressed: Tensor, shifts: Tensor, heat: Tensor) -> Tensor:
        """What the hourglass makes of every slot's heat and shifted channels."""
        batch, slots = shifts.shape[:2]
        copies = compressed[:, None].expand(-1, slots, -1, -1, -1, -1).flatten(0, 1)
        moved = sampled(copies, shifts.flatten(0, 1)).unflatten(0, (batch, slots))
        return self.hourglass(torch.cat([heat, moved], 2).flatten(1, 2))

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Flow:
        """The flow of ``volume (b, c, d, h, w)`` from ``source`` to ``driving`` ``(b, k, 3)``."""
        shifts = sparse_shifts(driving, source, volume)
        features = self.seen(self.compressed(volume), shifts, heat(driving, source, volume))
        field = mixed(shifts, self.mask(features).softmax(1))
        if self.occlusion is None:
            return Flow(field, None)
        return Flow(field, self.occlusion(features.flatten(1, 2)).sigmoid())


class Warping(nn.Module):
    """Moves a volume, folds its depth into the channels and hides what was hidden before."""

    def __init__(self, config: WarpConfig) -> None:
        super().__init__()
        leaving = config.width * 2**config.halvings
        self.dense_motion = DenseMotion(config)
        self.third = Unit(config.channels * config.depth, leaving, 2, leaky)
        self.fourth = nn.Conv2d(leaving, leaving, 1)

    def fold(self, warped: Tensor, occlusion: Tensor | None) -> Tensor:
        """Flat features ``(b, c, h, w)`` of a moved volume."""
        flat = self.fourth(self.third(warped.flatten(1, 2)))
        return flat if occlusion is None else flat * occlusion

    def forward(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Features ``(b, c, h, w)`` of ``volume`` with keypoints at ``driving (b, k, 3)``."""
        flow = self.dense_motion(volume, driving, source)
        return self.fold(sampled(volume, flow.field), flow.occlusion)


def sampled(volume: Tensor, field: Tensor) -> Tensor:
    """``volume (b, c, d, h, w)`` looked up at ``field (b, d, h, w, 3)``, zeros outside.

    The grid has its ends on voxel centres and the lookup has them on voxel edges: the weights were
    trained with this mismatch.
    """
    return functional.grid_sample(volume, field, align_corners=False)


def grid(volume: Tensor) -> Tensor:
    """Places ``(d, h, w, 3)`` of a volume's voxels in x, y, z from -1 to 1."""
    axes = (
        torch.arange(n, device=volume.device, dtype=volume.dtype) * (2 / (n - 1)) - 1
        for n in volume.shape[2:]
    )
    return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1], -1)


def sparse_shifts(driving: Tensor, source: Tensor, volume: Tensor) -> Tensor:
    """Where each slot takes voxels from ``(b, 1 + k, d, h, w, 3)``: as is, or as one keypoint."""
    still = grid(volume)[None, None].expand(len(driving), -1, -1, -1, -1, -1)
    moves = (source - driving)[:, :, None, None, None]
    return torch.cat([still, still + moves], 1)


def heat(driving: Tensor, source: Tensor, volume: Tensor) -> Tensor:
    """Where keypoints come to, less where they come from: ``(b, 1 + k, 1, d, h, w)``."""
    places = grid(volume)

    def blob(points: Tensor) -> Tensor:
        distance = (places - points[:, :, None, None, None]).square().sum(-1)
        return torch.exp(-distance / (2 * VARIANCE))

    change = blob(driving) - blob(source)
    return torch.cat([torch.zeros_like(change[:, :1]), change], 1)[:, :, None]


def mixed(shifts: Tensor, mask: Tensor) -> Tensor:
    """One field ``(b, d, h, w, 3)`` of all slots' shifts by shares ``(b, 1 + k, d, h, w)``."""
    return (shifts * mask[..., None]).sum(1)
