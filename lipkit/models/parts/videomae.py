"""VideoMAE v2's encoder: what a clip of 16 frames shows, as one vector (arXiv:2303.16727)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.videomae.configuration_videomae import VideoMAEConfig
from transformers.models.videomae.modeling_videomae import VideoMAEModel

from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint

EPSILON = 1e-6
BLOCK = r"blocks\.(\d+)\."
LAYER = r"body.encoder.layer.\1."
ATTENTION = LAYER + "attention.attention."
RULES = (
    Rule(r"patch_embed\.proj\.(.+)", r"body.embeddings.patch_embeddings.projection.\1"),
    Rule(BLOCK + r"norm1\.(.+)", LAYER + r"layernorm_before.\2"),
    Rule(BLOCK + r"norm2\.(.+)", LAYER + r"layernorm_after.\2"),
    Rule(BLOCK + r"attn\.(query|key|value)\.weight", ATTENTION + r"\2.weight"),
    Rule(BLOCK + r"attn\.q_bias", ATTENTION + "query.bias"),
    Rule(BLOCK + r"attn\.v_bias", ATTENTION + "value.bias"),
    Rule(BLOCK + r"attn\.proj\.(.+)", LAYER + r"attention.output.dense.\2"),
    Rule(BLOCK + r"mlp\.fc1\.(.+)", LAYER + r"intermediate.dense.\2"),
    Rule(BLOCK + r"mlp\.fc2\.(.+)", LAYER + r"output.dense.\2"),
    Rule(r"fc_norm\.(.+)", r"norm.\1"),
    Rule(r"head\..+", None),  # it names actions
)


@dataclass(frozen=True)
class VideoMaeForm:
    """Sizes; the defaults are those of ViT-g."""

    width: int = 1408
    layers: int = 40
    heads: int = 16
    inner: int = 6144
    size: int = 224
    patch: int = 14
    frames: int = 16
    tube: int = 2  # frames to a patch


class VideoMae(nn.Module):
    """Features of clips; the network is transformers', the mean and the norm behind it are here."""

    def __init__(self, form: VideoMaeForm) -> None:
        super().__init__()
        self.form = form
        self.body = VideoMAEModel(
            VideoMAEConfig(
                image_size=form.size,
                patch_size=form.patch,
                num_frames=form.frames,
                tubelet_size=form.tube,
                hidden_size=form.width,
                num_hidden_layers=form.layers,
                num_attention_heads=form.heads,
                intermediate_size=form.inner,
                layer_norm_eps=EPSILON,
                use_mean_pooling=True,
            )
        )
        self.norm = nn.LayerNorm(form.width, EPSILON)

    def forward(self, clips: Tensor) -> Tensor:
        """Features ``(b, d)`` of ``clips (b, 3, f, h, w)`` in 0..1."""
        tokens = self.body(clips.transpose(1, 2)).last_hidden_state
        return self.norm(tokens.mean(1))


def adopt(
    checkpoint: Checkpoint, wanted: Any = None, heads: int | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The checkpoint's encoder in our names, and its sizes; ``heads`` cannot be seen in it."""
    tensors = apart(checkpoint.tensors)
    form = configure(tensors, str(checkpoint.file), heads)
    with torch.device("meta"):
        expected = VideoMae(form).state_dict()
    return convert(tensors, RULES, expected, str(checkpoint.file)), asdict(form)


def apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with queries, keys and values apart, which official files hold in one."""
    found = {}
    for name, tensor in tensors.items():
        if name.endswith(".qkv.weight"):
            base = name.removesuffix("qkv.weight")
            parts = zip(("query", "key", "value"), tensor.chunk(3), strict=True)
            found |= {f"{base}{part}.weight": values for part, values in parts}
        else:
            found[name] = tensor
    return found


def configure(tensors: Mapping[str, Tensor], source: str, heads: int | None) -> VideoMaeForm:
    """The sizes in the tensors' shapes."""
    try:
        width, _, tube, patch, _ = tensors["patch_embed.proj.weight"].shape
        inner = len(tensors["blocks.0.mlp.fc1.weight"])
    except (KeyError, ValueError):
        raise WeightsError(f"{source}: no VideoMAE encoder in these weights") from None
    numbers = [int(n) for name in tensors for n in re.findall(r"^blocks\.(\d+)\.", name)]
    return VideoMaeForm(
        width=width,
        layers=max(numbers) + 1,
        heads=heads or VideoMaeForm.heads,
        inner=inner,
        patch=patch,
        tube=tube,
    )
