"""A UNet for clips: diffusers' image UNet with motion modules and norms over all frames.

Its names are Stable Diffusion 1.5's, so that those weights fill it. Convolutions and attention see
one frame at a time; what frames share are the norms' statistics and the motion modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lipkit.models.parts.diffusion_config import VideoUNetConfig
from lipkit.models.parts.motion import MotionModule, fold, normed, unfold


class AudioAttention(AttnProcessor2_0):
    """Cross-attention that adds nothing where nothing is heard, not even its bias.

    Audio of zeros is another thing: it adds the bias.
    """

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """What ``hidden_states (b, n, c)`` take from the audio ``(b, t, d)``."""
        if encoder_hidden_states is None:
            return torch.zeros_like(hidden_states)
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask)


class Layer(NamedTuple):
    """What a block of the UNet repeats; the last two are modules that families add."""

    residual: ResnetBlock2D
    attention: Transformer2DModel | None
    motion: MotionModule | None
    audio: nn.Module | None = None
    speed: nn.Module | None = None


def layers(block: nn.Module) -> Iterator[Layer]:
    """The layers of a block in order; of the middle block the first one, the only whole one."""
    count = len(getattr(block, "attentions", block.resnets))
    absent = [None] * count
    kinds = ("attentions", "motion_modules", "audio_modules", "speed_layers")
    yield from map(Layer, block.resnets[:count], *(getattr(block, k, absent) for k in kinds))


@dataclass(frozen=True)
class Scene:
    """What every layer of one pass sees beside its input."""

    entry: Tensor  # (b*f, c, h, w) the first convolution's output
    time: Tensor  # (b, d)
    context: Tensor | None  # (b*f, t, d) what cross-attention reads
    frames: int


class VideoUNet(UNet2DConditionModel):
    """A denoiser of clips that hears audio frame by frame."""

    def __init__(self, form: VideoUNetConfig) -> None:
        super().__init__(**sizes(form))
        self.form = form
        self.checkpointing = False  # recompute layers on the way back, to save memory
        for module in self.modules():
            if isinstance(module, BasicTransformerBlock):
                listen(module, hears=form.context is not None)
        for convolution in (self.conv_in, self.conv_out):
            nn.init.zeros_(convolution.weight)
            nn.init.zeros_(convolution.bias)
        self._add_motion()

    def enable_gradient_checkpointing(self, *given: Any) -> None:
        """Have layers compute their activations again on the way back."""
        self.checkpointing = True

    def _add_motion(self) -> None:
        motion, widths = self.form.motion, self.form.widths
        deepest = len(widths) - 1
        for level in motion.levels:
            found = [self.down_blocks[level]] if motion.encoder else []
            for block in [*found, self.up_blocks[deepest - level]]:
                modules = [MotionModule(widths[level], motion) for _ in block.resnets]
                block.motion_modules = nn.ModuleList(modules)
        if motion.middle:
            self.mid_block.motion_modules = nn.ModuleList([MotionModule(widths[-1], motion)])

    def forward(
        self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None = None
    ) -> Tensor:
        """The prediction ``(b, c, f, h, w)`` for a noisy ``sample (b, c, f, h, w)``.

        ``timestep`` is one for all or ``(b,)``; ``audio`` is ``(b*f, t, d)`` or ``(b, f, t, d)``.
        """
        scene = self.enter(sample, timestep, audio)
        return self.leave(self.deep(scene), scene)

    def enter(self, sample: Tensor, timestep: Tensor | int, audio: Tensor | None = None) -> Scene:
        """The first convolution and what else a pass needs; arguments as for a call."""
        times = torch.as_tensor(timestep, device=sample.device).reshape(-1).expand(len(sample))
        time = self.time_embedding(self.time_proj(times).to(sample.dtype))
        if audio is not None and audio.dim() == 4:
            audio = audio.flatten(0, 1)
        return Scene(self.conv_in(fold(sample)), time, audio, sample.shape[2])

    def deep(self, scene: Scene) -> Tensor:
        """All layers but the last: what changes so little over steps that it can be kept.

        Ma et al., "DeepCache" (2023), with the shallowest branch.
        """
        x = scene.entry
        skips = [x]
        for level, block in enumerate(self.down_blocks):
            for layer in layers(block):
                x = self._through(layer, x, scene)
                skips.append(x)
            for resampler in block.downsamplers or ():
                x = resampler(x)
                skips.append(x)
            x = self._descended(level, x, scene)
        x = self._middle(x, scene)
        for block in self.up_blocks:
            for layer in layers(block):
                if len(skips) == 1:  # the last layer is not of the deep part
                    return x
                x = self._through(layer, torch.cat([x, skips.pop()], 1), scene)
            for resampler in block.upsamplers or ():
                x = resampler(x, output_size=skips[-1].shape[2:])
        raise AssertionError("a UNet ends in a layer")

    def leave(self, deep: Tensor, scene: Scene) -> Tensor:
        """The last layer and the head, on what `deep` gave in this step or in one before."""
        last = list(layers(self.up_blocks[-1]))[-1]
        x = self._through(last, torch.cat([deep, scene.entry], 1), scene)
        x = self.conv_act(normed(self.conv_norm_out, x, self._span(scene)))
        return unfold(self.conv_out(x), scene.frames)

    def _through(self, layer: Layer, x: Tensor, scene: Scene) -> Tensor:
        x = self._run(self._residual, layer.residual, x, scene)
        if layer.attention is not None:
            x = self._run(attend, layer.attention, x, scene.context)
        if layer.motion is not None:
            x = self._run(layer.motion, x, scene.frames)
        return x

    def _descended(self, level: int, x: Tensor, scene: Scene) -> Tensor:
        """What goes on down from a level; networks that are led by more than audio add it here."""
        return x

    def _middle(self, x: Tensor, scene: Scene) -> Tensor:
        """The middle block: its second residual has no attention of its own."""
        _, second = self.mid_block.resnets
        x = self._through(next(layers(self.mid_block)), x, scene)
        return self._residual(second, x, scene)

    def _residual(self, block: ResnetBlock2D, x: Tensor, scene: Scene) -> Tensor:
        return residual(block, x, scene.time, self._span(scene))

    def _span(self, scene: Scene) -> int:
        return scene.frames if self.form.scope == "clip" else 1

    def _run(self, function: Callable[..., Tensor], *given: Any) -> Tensor:
        if self.checkpointing and torch.is_grad_enabled():
            return checkpoint(function, *given, use_reentrant=False)
        return function(*given)


def sizes(form: VideoUNetConfig) -> dict[str, Any]:
    """The arguments of diffusers' image UNet for our settings."""
    crossed = [level in form.attention for level in range(len(form.widths))]
    return {
        "in_channels": form.in_channels,
        "out_channels": form.out_channels,
        "block_out_channels": form.widths,
        "layers_per_block": form.layers,
        "down_block_types": tuple("CrossAttnDownBlock2D" if c else "DownBlock2D" for c in crossed),
        "up_block_types": tuple(
            "CrossAttnUpBlock2D" if c else "UpBlock2D" for c in reversed(crossed)
        ),
        "cross_attention_dim": form.context or 1,
        "attention_head_dim": form.heads,  # the number of heads: an old misnomer
        "norm_num_groups": form.groups,
        "norm_eps": form.epsilon,
    }


def listen(block: BasicTransformerBlock, hears: bool) -> None:
    """Make a transformer block's cross-attention one to audio, or take it out."""
    if hears:
        block.attn2.set_processor(AudioAttention())
    else:
        block.norm2 = block.attn2 = None


def residual(block: ResnetBlock2D, x: Tensor, time: Tensor, span: int) -> Tensor:
    """The residual block with norms over ``span`` frames, of ``x (b*f, c, h, w)``, ``time (b, d)``.

    diffusers' own call is the same but for the span.
    """
    act = block.nonlinearity
    push = block.time_emb_proj(act(time)).repeat_interleave(len(x) // len(time), 0)
    inner = block.conv1(act(normed(block.norm1, x, span))) + push[:, :, None, None]
    inner = block.conv2(block.dropout(act(normed(block.norm2, inner, span))))
    return inner + (x if block.conv_shortcut is None else block.conv_shortcut(x))


def attend(attention: Transformer2DModel, x: Tensor, context: Tensor | None) -> Tensor:
    """The spatial transformer: pixels of a frame look at each other and at ``context``."""
    return attention(x, encoder_hidden_states=context, return_dict=False)[0]
