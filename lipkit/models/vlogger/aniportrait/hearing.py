"""Speech to the motion of a mesh by regression: AniPortrait's audio2mesh and audio2pose."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Wav2Vec2Config, Wav2Vec2Model

from lipkit.audio.hidden import stacked
from lipkit.audio.wav2vec2 import linear_interpolation
from lipkit.models.vlogger.aniportrait.config import HearingConfig, PoserConfig, ShaperConfig


class Hearing(nn.Module):
    """wav2vec 2.0 whose convolutions' output is brought to video frames before the transformer."""

    def __init__(self, form: HearingConfig, width: int) -> None:
        super().__init__()
        sizes = Wav2Vec2Config(
            hidden_size=form.width,
            num_hidden_layers=form.layers,
            num_attention_heads=form.heads,
            intermediate_size=form.inner,
            conv_dim=form.convolutions,
            num_conv_pos_embeddings=form.positions,
            num_conv_pos_embedding_groups=form.position_groups,
            mask_time_prob=0.0,  # so that there is no parameter for what is masked
            mask_feature_prob=0.0,
        )
        self.form = form
        self.encoder = Wav2Vec2Model(sizes)
        self.narrow = nn.Linear(form.width, width)

    def forward(self, wave: Tensor, frames: int) -> Tensor:
        """What is heard ``(b, f, d)`` at each frame of ``wave (b, n)``, 16 kHz, scaled."""
        return self.narrow(self.states(self.convolved(wave, frames), self.form.states))

    def convolved(self, wave: Tensor, frames: int | None = None) -> Tensor:
        """The convolutions' output ``(b, t, c)``, spread over ``frames`` from end to end."""
        steps = self.encoder.feature_extractor(wave).transpose(1, 2)
        return steps if frames is None else linear_interpolation(steps, frames)

    def states(self, convolved: Tensor, which: Literal["last", "mean"]) -> Tensor:
        """The transformer's output ``(b, f, w)``: its last state, or the mean of all."""
        run = self.encoder.encoder
        entry, _ = self.encoder.feature_projection(convolved)
        if which == "last":
            return run(entry).last_hidden_state
        every = tuple(range(len(run.layers) + 1))
        return stacked(run.layers, lambda: run(entry), every)[0].mean(2)


class Shaper(nn.Module):
    """audio2mesh: how far speech moves each vertex of a resting face."""

    def __init__(self, form: ShaperConfig, hearing: HearingConfig) -> None:
        super().__init__()
        self.hearing = Hearing(hearing, form.width)
        self.leave = nn.Linear(form.width, form.vertices * 3)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, wave: Tensor, frames: int) -> Tensor:
        """Offsets ``(b, f, v, 3)`` in centimetres in the head's frame."""
        return self.leave(self.hearing(wave, frames)).unflatten(-1, (-1, 3))


class Poser(nn.Module):
    """audio2pose: head poses, one after the other, each from those before and what is heard.

    After Fan et al., "FaceFormer" (2022), arXiv:2112.05329, with a bias of period 1.
    """

    def __init__(self, form: PoserConfig, hearing: HearingConfig) -> None:
        super().__init__()
        self.form = form
        self.hearing = Hearing(hearing, form.width)
        self.enter = nn.Linear(form.angles, form.width)
        layer = nn.TransformerDecoderLayer(form.width, form.heads, form.inner, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, form.layers)
        self.leave = nn.Linear(form.width, form.angles)
        self.identities = nn.Embedding(form.identities, form.width)
        self.register_buffer("table", sinusoids(form.table, form.width)[None])

    def forward(self, wave: Tensor, frames: int, identity: Tensor) -> Tensor:
        """Poses ``(b, f, 6)`` of the ways of moving ``identity (b,)``, from rest on."""
        return self.move(self.hearing(wave, frames), identity)

    def move(self, heard: Tensor, identity: Tensor) -> Tensor:
        """The same for what is ``heard (b, f, d)``.

        Nothing before a frame changes when the frame comes, so only the newest one is computed.
        """
        manner = self.identities(identity)[:, None]
        pose = heard.new_zeros(len(heard), 1, self.form.angles)
        pasts = [heard[:, :0]] * len(self.decoder.layers)
        made = []
        for frame, sound in enumerate(heard.split(1, 1)):
            x = self.enter(pose) + self.table[:, frame : frame + 1] + manner
            bias = biases(self.form.heads, frame + 1)[:, -1:].to(heard).repeat(len(heard), 1, 1)
            for k, layer in enumerate(self.decoder.layers):
                pasts[k] = torch.cat([pasts[k], x], 1)
                x = decoded(layer, x, pasts[k], bias, sound)
            pose = self.leave(x)
            made.append(pose)
        return torch.cat(made, 1)


def decoded(
    layer: nn.TransformerDecoderLayer, x: Tensor, past: Tensor, bias: Tensor, sound: Tensor
) -> Tensor:
    """The newest token ``x (b, 1, d)`` after a layer that looks at ``past (b, n, d)``, and at it.

    It hears its own frame's ``sound (b, 1, d)`` alone.
    """
    seen = layer.self_attn(x, past, past, attn_mask=bias, need_weights=False)[0]
    x = layer.norm1(x + seen)
    x = layer.norm2(x + layer.multihead_attn(x, sound, sound, need_weights=False)[0])
    return layer.norm3(x + layer.linear2(functional.relu(layer.linear1(x))))


def scaled(wave: Tensor) -> Tensor:
    """``wave (b, n)`` with mean 0 and variance 1 over the whole of it."""
    spread = wave.var(1, keepdim=True, correction=0)
    return (wave - wave.mean(1, keepdim=True)) / (spread + 1e-7).sqrt()


def sinusoids(count: int, width: int) -> Tensor:
    """The position table ``(count, width)`` of "Attention Is All You Need" (2017)."""
    places = torch.arange(count)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(places * rates), torch.cos(places * rates)], -1).flatten(1)


def slopes(heads: int) -> Tensor:
    """How fast each head forgets ``(heads,)``: Press et al., "ALiBi" (2022), arXiv:2108.12409.

    For other numbers of heads than powers of two, every second slope of twice as many follow.
    """
    whole = 2 ** math.floor(math.log2(heads))
    powers = torch.arange(1, whole + 1) * (8 / whole)
    if whole < heads:
        between = torch.arange(1, 2 * (heads - whole), 2) * (4 / whole)
        powers = torch.cat([powers, between])
    return 2.0**-powers


def biases(heads: int, frames: int) -> Tensor:
    """What is added to self-attention ``(heads, f, f)``: less for the past, and no future."""
    rows = torch.arange(frames)
    back = rows[:, None] - rows[None]
    past = -slopes(heads)[:, None, None] * back
    return past.masked_fill(back < 0, -math.inf)
