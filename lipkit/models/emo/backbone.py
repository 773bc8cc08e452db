"""EMO's backbone: a video UNet that reads a reference, hears, and goes on from earlier frames."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.models.emo.config import ModelConfig
from lipkit.models.emo.speed import SpeedLayer
from lipkit.models.parts.audio_attention import AudioLayer, AudioModule, Voice
from lipkit.models.parts.motion_modules import carried
from lipkit.models.parts.reference import Reading, layer_of, read
from lipkit.models.parts.video_unet import Layer, Scene, VideoUNet


@dataclass(frozen=True, eq=False)
class Guide:
    """What a pass of the backbone sees beside the noisy latents of ``b`` clips of ``f`` frames."""

    reading: Reading  # the reference, and which of its samples a row reads
    samples: Tensor  # (b,) whose earlier frames a clip goes on from
    voice: Voice | None = None
    context: Tensor | None = None  # (b, t, d) identity tokens
    face: Tensor | None = None  # (b, c, f, h, w) what the locator says
    speed: Tensor | None = None  # (b, f, l)
    silent_past: bool = False  # earlier frames are zeros, though there is a reference
    still: bool = False  # of single pictures: nothing is heard, no frames look at each other


@dataclass(frozen=True)
class GuidedScene(Scene):
    """A scene with its guide."""

    guide: Guide


class Backbone(VideoUNet):
    """The denoiser.

    Each layer is a residual block, a transformer over the picture that reads the reference, an
    audio module, a motion module, and a speed layer. ``reference.motion`` says where earlier frames
    enter: ``all`` is everywhere, with the middle's features at the deepest level, which has no
    transformer; ``train`` leaves out the deepest motion modules, as the code that Hallo's weights
    were trained and are run with does; ``eval`` is what that code does in eval mode, wrongly.
    """

    def __init__(self, form: ModelConfig) -> None:
        super().__init__(form.unet)
        self.whole = form
        self.conv_in.reset_parameters()  # zeros, as in a UNet with added inputs, learn badly alone
        read(self, form.reference.mode)
        self._add_hearing()
        self._add_speed()

    def _add_hearing(self) -> None:
        widths = self.form.widths
        deepest = len(widths) - 1
        for level in self.form.attention:
            outer = max(0, level - 1)  # the level that a block on the way down comes from
            down, up = self.down_blocks[level], self.up_blocks[deepest - level]
            inner = [widths[outer], *[widths[level]] * (self.form.layers - 1)]
            down.audio_modules = nn.ModuleList(
                self._hearing("down", level, width) for width in inner
            )
            up.audio_modules = nn.ModuleList(
                self._hearing("up", level, widths[outer]) for _ in up.resnets
            )
        self.mid_block.audio_modules = nn.ModuleList([self._hearing("mid", deepest, widths[-1])])

    def _hearing(self, where: str, level: int, inner: int) -> nn.Module:
        form, channels, heads = self.whole.hearing, self.form.widths[level], self.form.heads
        if form.block == "simple":
            return AudioLayer(channels, heads, form.token_width)
        return AudioModule(
            channels,
            inner,
            heads,
            form.token_width,
            self.form.groups,
            masked=where in form.masked and level in form.masked_levels,
            level=level,
        )

    def _add_speed(self) -> None:
        form = self.whole.speed
        if not form.buckets:
            return
        for block in (*self.down_blocks, self.mid_block, *self.up_blocks):
            modules = getattr(block, "motion_modules", ())
            widths = [module.in_channels for module in modules]
            block.speed_layers = nn.ModuleList(
                SpeedLayer(width, self.form.heads, form.width) for width in widths
            )

    def forward(self, sample: Tensor, timestep: Tensor | int, guide: Guide) -> Tensor:
        """The prediction ``(b, c, f, h, w)`` for a noisy ``sample (b, c, f, h, w)``."""
        scene = self.enter(sample, timestep, guide)
        return self.leave(self.deep(scene), scene)

    def enter(self, sample: Tensor, timestep: Tensor | int, guide: Guide) -> GuidedScene:
        """The first convolution and what else a pass needs."""
        frames, latent = sample.shape[2], self.whole.locator.add == "latent"
        if guide.face is not None and latent:
            sample = sample + guide.face
        context = guide.context
        if context is not None:
            context = context.repeat_interleave(frames, 0)
        scene = super().enter(sample, timestep, context)
        entry = scene.entry
        if guide.face is not None and not latent:
            entry = entry + guide.face.transpose(1, 2).flatten(0, 1)
        known = {f.name: getattr(scene, f.name) for f in fields(Scene)}
        return GuidedScene(**known | {"entry": entry}, guide=guide)

    def _through(self, layer: Layer, x: Tensor, scene: GuidedScene) -> Tensor:
        guide, middle = scene.guide, layer.residual is self.mid_block.resnets[0]
        scaled = middle or self.whole.reference.motion != "eval"
        x = self._run(self._residual, layer.residual, x, scene)
        if layer.attention is not None:
            x = self._run(look, layer.attention, x, scene)
        if guide.still:
            return x
        if layer.audio is not None and guide.voice is not None:
            voice = guide.voice if scaled else Voice(guide.voice.tokens, guide.voice.masks)
            x = self._run(layer.audio, x, voice)
        if layer.motion is None:
            return x
        if layer.attention is None and self.whole.reference.motion == "train":
            return x
        x = self._run(carried, layer.motion, x, scene.frames, self._past(layer, x, scene, middle))
        if layer.speed is not None and guide.speed is not None:
            x = self._run(layer.speed, x, guide.speed)
        return x

    def _past(self, layer: Layer, x: Tensor, scene: GuidedScene, middle: bool) -> Tensor | None:
        """Earlier frames ``(b, n, c, h, w)`` as this layer's motion module sees them."""
        if self.whole.reference.motion == "eval" and not middle:
            return None
        guide, size = scene.guide, x.shape[1:]
        clips = len(x) // scene.frames
        if not guide.reading.bank or guide.silent_past:
            count = self.whole.carried if guide.reading.bank else self.whole.reference.empty
            return x.new_zeros(clips, count, *size)
        attention = layer.attention or self.mid_block.attentions[0]
        kept = guide.reading.bank[layer_of(attention)][:, 1:][guide.samples]
        return kept.transpose(2, 3).unflatten(3, size[1:]) if kept.shape[1] else None


def look(attention: nn.Module, x: Tensor, scene: GuidedScene) -> Tensor:
    """The spatial transformer: a frame's pixels look at each other and at the reference's."""
    told: dict[str, Any] = {"cross_attention_kwargs": {"reading": scene.guide.reading}}
    return attention(x, encoder_hidden_states=scene.context, return_dict=False, **told)[0]


def joined(guides: list[Guide]) -> Guide:
    """Guides of several passes over the same frames as one of a larger batch; the blind first."""
    first = guides[0]

    def every(pieces: list[Tensor | None]) -> Tensor | None:
        return None if pieces[0] is None else torch.cat(pieces)

    masks = [
        [torch.cat(level) for level in zip(*parts, strict=True)]
        for parts in zip(*(guide.voice.masks for guide in guides), strict=True)
    ]
    voice = Voice(torch.cat([g.voice.tokens for g in guides]), masks, first.voice.weights)
    owner = torch.cat([g.reading.owner for g in guides])
    return Guide(
        reading=Reading(first.reading.bank, owner, sum(g.reading.blind for g in guides)),
        samples=torch.cat([g.samples for g in guides]),
        voice=voice,
        context=every([g.context for g in guides]),
        face=every([g.face for g in guides]),
        speed=every([g.speed for g in guides]),
        silent_past=first.silent_past,
    )
