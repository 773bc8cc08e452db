"""AniPortrait's denoiser: a video UNet that reads a reference picture and is led by drawn poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.models.parts.motion import fold
from lipkit.models.parts.reference import Reading, read
from lipkit.models.parts.video_unet import Layer, Scene, VideoUNet
from lipkit.models.vlogger.aniportrait.config import BackboneConfig


@dataclass(frozen=True, eq=False)
class Guide:
    """What a pass of the backbone sees beside the noisy latents of ``b`` clips of ``f`` frames."""

    reading: Reading  # the reference, and which of its samples a row reads
    context: Tensor | None = None  # (b, t, d) CLIP's view of the reference
    poses: Sequence[Tensor] = ()  # (b, c, f, h, w) of the guider's levels


@dataclass(frozen=True)
class GuidedScene(Scene):
    """A scene with its guide."""

    guide: Guide


class Backbone(VideoUNet):
    """The denoiser: each layer reads the reference beside its own pixels, then looks along time.

    Pose features enter after the first convolution, where the last layer also sees them, and after
    each block on the way down, where the way up does not.
    """

    def __init__(self, form: BackboneConfig) -> None:
        super().__init__(form)
        self.conv_in.reset_parameters()  # zeros, as in a UNet with added inputs, learn badly alone
        self.conv_out.reset_parameters()
        read(self, "self_concat")

    def forward(self, sample: Tensor, timestep: Tensor | int, guide: Guide) -> Tensor:
        """The prediction ``(b, c, f, h, w)`` for a noisy ``sample (b, c, f, h, w)``."""
        scene = self.enter(sample, timestep, guide)
        return self.leave(self.deep(scene), scene)

    def enter(self, sample: Tensor, timestep: Tensor | int, guide: Guide) -> GuidedScene:
        """The first convolution and what else a pass needs."""
        context = guide.context
        if context is not None:
            context = context.repeat_interleave(sample.shape[2], 0)
        scene = super().enter(sample, timestep, context)
        known = {f.name: getattr(scene, f.name) for f in fields(Scene)}
        if guide.poses:
            known["entry"] = scene.entry + fold(guide.poses[0]).to(scene.entry)
        return GuidedScene(**known, guide=guide)

    def _through(self, layer: Layer, x: Tensor, scene: GuidedScene) -> Tensor:
        x = self._run(self._residual, layer.residual, x, scene)
        if layer.attention is not None:
            x = self._run(look, layer.attention, x, scene)
        return x if layer.motion is None else self._run(layer.motion, x, scene.frames)

    def _descended(self, level: int, x: Tensor, scene: GuidedScene) -> Tensor:
        poses = scene.guide.poses
        return x + fold(poses[level + 1]).to(x) if poses else x


def look(attention: nn.Module, x: Tensor, scene: GuidedScene) -> Tensor:
    """The spatial transformer: a frame's pixels look at each other and at the reference's."""
    told: dict[str, Any] = {"cross_attention_kwargs": {"reading": scene.guide.reading}}
    return attention(x, encoder_hidden_states=scene.context, return_dict=False, **told)[0]


def joined(blind: Guide, sighted: Guide) -> Guide:
    """Two passes over the same frames as one of twice the batch; the first reads no reference."""
    context = None
    if blind.context is not None and sighted.context is not None:
        context = torch.cat([blind.context, sighted.context])
    owner = torch.cat([blind.reading.owner, sighted.reading.owner])
    return Guide(
        Reading(sighted.reading.bank, owner, len(blind.reading.owner)),
        context,
        [torch.cat(pair) for pair in zip(blind.poses, sighted.poses, strict=True)],
    )
