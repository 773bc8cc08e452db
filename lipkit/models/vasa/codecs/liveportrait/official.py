"""LivePortrait's networks under the names of its official files, for its own tools."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from lipkit.models.parts.convert import Rule, renamed

STAGE = r"detector\.encoder\.stages\.(\d+)\."
LAYER = STAGE + r"layers\.(\d+)\."
THEIRS = r"detector.stages.\1.\2."
HEADS = {"points": "kp", "expression": "exp", "shift": "t"}
DENSE = r"dense_motion\."
HOURGLASS = r"dense_motion_network.hourglass."
SPADE = r"\.(norm_[01s])\."
RULES = {
    "appearance": (
        Rule(r"down\.(.+)", r"down_blocks.\1"),
        Rule(r"blocks\.(\d+)\.(.+)", r"resblocks_3d.3dr\1.\2"),
        Rule(r"(.+)", r"\1"),
    ),
    "motion": (
        Rule(r"detector\.embeddings\.patch_embeddings\.(.+)", r"detector.downsample_layers.0.0.\1"),
        Rule(r"detector\.embeddings\.layernorm\.(.+)", r"detector.downsample_layers.0.1.\1"),
        Rule(STAGE + r"downsampling_layer\.(.+)", r"detector.downsample_layers.\1.\2"),
        Rule(LAYER + r"layernorm\.(.+)", THEIRS + r"norm.\3"),
        Rule(LAYER + r"grn\.weight", THEIRS + "grn.gamma"),
        Rule(LAYER + r"grn\.bias", THEIRS + "grn.beta"),
        Rule(LAYER + r"(.+)", THEIRS + r"\3"),
        Rule(r"detector\.layernorm\.(.+)", r"detector.norm.\1"),
        *(Rule(rf"heads\.{our}\.(.+)", rf"detector.fc_{their}.\1") for our, their in HEADS.items()),
        Rule(r"heads\.(\w+)\.(.+)", r"detector.fc_\1.\2"),
    ),
    "warping": (
        Rule(DENSE + r"hourglass\.down\.(.+)", HOURGLASS + r"encoder.down_blocks.\1"),
        Rule(DENSE + r"hourglass\.up\.(.+)", HOURGLASS + r"decoder.up_blocks.\1"),
        Rule(DENSE + r"hourglass\.last\.(.+)", HOURGLASS + r"decoder.\1"),
        Rule(DENSE + r"(.+)", r"dense_motion_network.\1"),
        Rule(r"(.+)", r"\1"),
    ),
    "decoder": (
        Rule(r"first\.(.+)", r"fc.\1"),
        Rule(r"last\.(.+)", r"conv_img.0.\1"),
        Rule(r"middle\.(\d)" + SPADE + r"shared\.(.+)", r"G_middle_\1.\2.mlp_shared.0.\3"),
        Rule(r"middle\.(\d)" + SPADE + r"(.+)", r"G_middle_\1.\2.mlp_\3"),
        Rule(r"middle\.(\d)\.(.+)", r"G_middle_\1.\2"),
        Rule(r"up\.(\d)" + SPADE + r"shared\.(.+)", r"up_\1.\2.mlp_shared.0.\3"),
        Rule(r"up\.(\d)" + SPADE + r"(.+)", r"up_\1.\2.mlp_\3"),
        Rule(r"up\.(\d)\.(.+)", r"up_\1.\2"),
    ),
    "retargeting": (
        Rule(r"stitching\.(.+)", r"retarget_shoulder.module.mlp.\1"),
        Rule(r"lips\.(.+)", r"retarget_mouth.module.mlp.\1"),
        Rule(r"eyes\.(.+)", r"retarget_eye.module.mlp.\1"),
    ),
}
NORMED = re.compile(r".+\.conv_[01s]\.weight")


def official(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The model's tensors by network, under the names of the official files."""
    found = {}
    for network, rules in RULES.items():
        prefix = f"{network}."
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        theirs = renamed(own, rules)
        found[network] = unfolded(theirs) if network == "decoder" else theirs
    return found


def unfolded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors with spectral norms of one, whose vectors leave each weight as it is."""
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not NORMED.fullmatch(name):
            found[name] = tensor
            continue
        u = torch.full_like(tensor[:, 0, 0, 0], len(tensor) ** -0.5)
        v = u @ tensor.flatten(1)
        found[f"{name}_orig"] = tensor
        found[f"{name}_u"] = u
        found[f"{name}_v"] = v / v.square().sum()
    return found
