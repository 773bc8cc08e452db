"""LivePortrait's official files in our names, and ours in official names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import torch
from torch import Tensor

from lipkit.models.parts.convert import Rule, convert
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.vasa.codecs.liveportrait.config import LivePortraitConfig
from lipkit.models.vasa.codecs.liveportrait.model import LivePortrait

UNIT = r"(conv|norm)\.(.+)"
APPEARANCE = (
    Rule(r"first\." + UNIT, r"first.\1.\2"),
    Rule(r"down_blocks\.(\d+)\." + UNIT, r"down.\1.\2.\3"),
    Rule(r"second\.(.+)", r"second.\1"),
    Rule(r"resblocks_3d\.3dr(\d+)\.(.+)", r"blocks.\1.\2"),
)
BLOCK = r"detector\.stages\.(\d+)\.(\d+)\."
OUR_BLOCK = r"detector.encoder.stages.\1.layers.\2."
HEADS = {"kp": "points", "exp": "expression", "t": "shift"}
MOTION = (
    Rule(r"detector\.downsample_layers\.0\.0\.(.+)", r"detector.embeddings.patch_embeddings.\1"),
    Rule(r"detector\.downsample_layers\.0\.1\.(.+)", r"detector.embeddings.layernorm.\1"),
    Rule(
        r"detector\.downsample_layers\.(\d+)\.(.+)",
        r"detector.encoder.stages.\1.downsampling_layer.\2",
    ),
    Rule(BLOCK + r"norm\.(.+)", OUR_BLOCK + r"layernorm.\3"),
    Rule(BLOCK + r"grn\.gamma", OUR_BLOCK + "grn.weight"),
    Rule(BLOCK + r"grn\.beta", OUR_BLOCK + "grn.bias"),
    Rule(BLOCK + r"((?:dwconv|pwconv[12])\..+)", OUR_BLOCK + r"\3"),
    Rule(r"detector\.norm\.(.+)", r"detector.layernorm.\1"),
    *(Rule(rf"detector\.fc_{theirs}\.(.+)", rf"heads.{ours}.\1") for theirs, ours in HEADS.items()),
    Rule(r"detector\.fc_(pitch|yaw|roll|scale)\.(.+)", r"heads.\1.\2"),
)
DENSE = r"dense_motion_network\."
WARPING = (
    Rule(DENSE + r"hourglass\.encoder\.down_blocks\.(.+)", r"dense_motion.hourglass.down.\1"),
    Rule(DENSE + r"hourglass\.decoder\.up_blocks\.(.+)", r"dense_motion.hourglass.up.\1"),
    Rule(DENSE + r"hourglass\.decoder\." + UNIT, r"dense_motion.hourglass.last.\1.\2"),
    Rule(DENSE + r"((?:mask|compress|norm|occlusion)\..+)", r"dense_motion.\1"),
    Rule(r"((?:third|fourth)\..+)", r"\1"),
)
PART = r"\.(conv_[01s]\..+)"
NORM = r"\.(norm_[01s])\.mlp_"
DECODER = (
    Rule(r"fc\.(.+)", r"first.\1"),
    Rule(r"G_middle_(\d)" + PART, r"middle.\1.\2"),
    Rule(r"G_middle_(\d)" + NORM + r"shared\.0\.(.+)", r"middle.\1.\2.shared.\3"),
    Rule(r"G_middle_(\d)" + NORM + r"(gamma|beta)\.(.+)", r"middle.\1.\2.\3.\4"),
    Rule(r"up_(\d)" + PART, r"up.\1.\2"),
    Rule(r"up_(\d)" + NORM + r"shared\.0\.(.+)", r"up.\1.\2.shared.\3"),
    Rule(r"up_(\d)" + NORM + r"(gamma|beta)\.(.+)", r"up.\1.\2.\3.\4"),
    Rule(r"conv_img\.(?:0\.)?(weight|bias)", r"last.\1"),
)
GROUPS = ("retarget_shoulder", "retarget_mouth", "retarget_eye")
MLP = r"\.(?:module\.)?mlp\.(.+)"
RETARGETING = (
    Rule(r"retarget_shoulder" + MLP, r"stitching.\1"),
    Rule(r"retarget_mouth" + MLP, r"lips.\1"),
    Rule(r"retarget_eye" + MLP, r"eyes.\1"),
)


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with spectral norms folded into the weights.

    The norm is what the stored vectors say, ``u W v``; they need not have converged, and the
    largest singular value would be another number.
    """
    found = {}
    for name, tensor in tensors.items():
        stem, _, leaf = name.rpartition(".")
        if leaf == "weight_orig":
            u, v = tensors[f"{stem}.weight_u"], tensors[f"{stem}.weight_v"]
            found[f"{stem}.weight"] = tensor / torch.dot(u, tensor.flatten(1) @ v)
        elif leaf not in ("weight_u", "weight_v"):
            found[name] = tensor
    return found


NETWORKS = {  # in the order in which the released files are named in the catalogue
    "appearance": APPEARANCE,
    "motion": MOTION,
    "warping": WARPING,
    "decoder": DECODER,
    "retargeting": RETARGETING,
}


def adopt(
    checkpoints: Sequence[Checkpoint], wanted: Any = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The five official files in the names of our model, and the model's settings.

    Nothing of a network may be missing or left over; of the corrections' file, groups that
    LivePortrait does not use are left out.
    """
    form = LivePortraitConfig()
    expected = skeleton(form)
    found: dict[str, Tensor] = {}
    for (network, rules), checkpoint in zip(NETWORKS.items(), checkpoints, strict=True):
        given = checkpoint.tensors
        if network == "retargeting":
            given = {name: t for name, t in given.items() if name.startswith(GROUPS)}
        prefix = f"{network}."
        own = {k.removeprefix(prefix): v for k, v in expected.items() if k.startswith(prefix)}
        state = convert(folded(given), rules, own, str(checkpoint.file))
        found |= {prefix + name: tensor for name, tensor in state.items()}
    return found, asdict(form)


@cache
def skeleton(form: LivePortraitConfig) -> dict[str, Tensor]:
    """Names and shapes of the model, without its numbers."""
    with torch.device("meta"):
        return LivePortrait(form).state_dict()
