"""MegaPortraits whole: pictures to appearance and motion, and both to pictures again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lipkit.models.vasa.codecs.megaportraits.blocks import resized
from lipkit.models.vasa.codecs.megaportraits.config import CodecConfig
from lipkit.models.vasa.codecs.megaportraits.networks import (
    AppearanceEncoder,
    Canonical,
    Enhancer,
    Expansion,
    IdentityEncoder,
    Pooled,
    PoseEncoder,
    WarpGenerator,
)
from lipkit.models.vasa.codecs.megaportraits.pose import (
    faced,
    identity_grid,
    placed,
    recovered,
    sampled,
)
from lipkit.models.vasa.codecs.megaportraits.resnet import ResNet


@dataclass(frozen=True)
class Motion:
    """What heads do: ``pose (b, 7)`` and ``expression (b, z)``; VASA-1's z_pose and z_dyn."""

    pose: Tensor
    expression: Tensor

    def __getitem__(self, rows: slice | Tensor) -> Motion:
        """Some of the rows."""
        return Motion(self.pose[rows], self.expression[rows])


@dataclass(frozen=True)
class Look:
    """What heads look like: canonical ``volume (b, c, d, h, w)``, ``identity (b, code, 4, 4)``.

    VASA-1's V_app and z_id.
    """

    volume: Tensor
    identity: Tensor

    def __getitem__(self, rows: slice | Tensor) -> Look:
        """Some of the rows."""
        return Look(self.volume[rows], self.identity[rows])

    def expand(self, count: int) -> Look:
        """A single row, so many times."""
        volume, identity = self.volume, self.identity
        return Look(
            volume.expand(count, *volume.shape[1:]), identity.expand(count, *identity.shape[1:])
        )


@dataclass(frozen=True)
class Picture:
    """Pictures ``colour (b, 3, h, w)`` in -1..1 of heads, and their ``matte (b, 1, h, w)``."""

    colour: Tensor
    matte: Tensor

    def over(self, ground: Tensor | float) -> Tensor:
        """The heads before pictures ``(b, 3, h, w)``, or one level."""
        return self.colour * self.matte + ground * (1 - self.matte)


class MegaPortraits(nn.Module):
    """All networks of the codec, those of the HR stage included where there are such.

    The paper's G2D draws three channels. Here it draws a fourth, the matte of the head, since no
    text says how a head that was drawn is told from what was not.
    """

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.appearance = AppearanceEncoder(config)
        self.identity = IdentityEncoder(config)
        self.pose = PoseEncoder(config)
        self.expression = Pooled(ResNet(config.expression), config.expression_width)
        self.from_source = WarpGenerator(config)
        self.to_driver = WarpGenerator(config)
        self.canonical = Canonical(config)
        self.decoder = Expansion(config.channels * config.depth, config.decoder, 4)
        larger = config.enhancer.enlargement == 2
        self.enhancer = Enhancer(config.enhancer) if larger else None

    @property
    def size(self) -> int:
        """Side of the finished pictures."""
        return self.config.size * self.config.enhancer.enlargement

    def faces(self, pictures: Tensor, pose: Tensor) -> Tensor:
        """What the expression net sees of pictures in which heads lie so."""
        return faced(pictures, pose, self.config.expression.side, self.config.zoom)

    def motion(self, pictures: Tensor) -> Motion:
        """What the heads in ``pictures (b, 3, h, w)`` in -1..1 do."""
        pose = self.pose(pictures)
        return Motion(pose, self.expression(self.faces(pictures, pose)))

    @torch.no_grad()
    def awaken(self, pictures: Tensor) -> None:
        """Have a fresh expression net tell faces ``(b, 3, h, w)`` apart, whatever it tells of them.

        What a random network says of all faces alike is far more than in what they differ, and the
        contrastive loss, which compares directions, would take long to see it. So the first outputs
        get no mean and a deviation of one (after Salimans and Kingma 2016, arXiv:1602.07868,
        section 3). A net that has learned something is left alone.
        """
        last = self.expression.last
        if last.bias.any():
            return
        told = self.expression(self.faces(pictures, self.pose(pictures)))
        scale = told.std(0).clamp_min(1e-6)
        last.weight.div_(scale[:, None])
        last.bias.copy_(-told.mean(0) / scale)

    def grid(self, like: Tensor) -> Tensor:
        """The places ``(d, h, w, 3)`` of a volume's voxels."""
        config = self.config
        return identity_grid((config.depth, config.places, config.places), like, config.corners)

    def look(self, pictures: Tensor, motion: Motion) -> Look:
        """What the heads look like that do ``motion`` in pictures with nothing but them (0)."""
        volume, identity = self.appearance(pictures), self.identity(pictures)
        upright = placed(self.grid(motion.pose), motion.pose)
        places = self.from_source.places(motion.expression, identity)
        return Look(self.canonical(sampled(sampled(volume, upright), places)), identity)

    def draw(self, look: Look, motion: Motion) -> Picture:
        """Heads that look and move so, at the base model's size."""
        places = self.to_driver.places(motion.expression, look.identity)
        turned = recovered(self.grid(motion.pose), motion.pose)
        volume = sampled(sampled(look.volume, places), turned)
        found = self.decoder(volume.flatten(1, 2))
        return Picture(found[:, :3].sigmoid() * 2 - 1, found[:, 3:].sigmoid())

    def enlarged(self, picture: Picture) -> Picture:
        """Pictures at the finished size; as they are where there is no enhancer."""
        if self.enhancer is None:
            return picture
        colour = self.enhancer(picture.over(0.0))
        return Picture(colour, resized(picture.matte, colour.shape[2:]))


def build(config: CodecConfig) -> MegaPortraits:
    """Networks with fresh weights; what warps begins by leaving things where they are."""
    model = MegaPortraits(config)
    nn.init.zeros_(model.expression.last.bias)
    for warp in (model.from_source, model.to_driver):
        last = warp.last[-1]
        assert isinstance(last, nn.Conv3d)
        with torch.no_grad():
            last.weight.mul_(0.1)
            nn.init.zeros_(last.bias)
    return model
