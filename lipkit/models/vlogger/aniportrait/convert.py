"""AniPortrait's files in our names, and ours in theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lipkit import config as settings
from lipkit.errors import WeightsError
from lipkit.models.parts.convert import Rule, convert, renamed
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, TO_ANIMATEDIFF, doubled_tables
from lipkit.models.vlogger.aniportrait.config import AniPortraitConfig
from lipkit.models.vlogger.aniportrait.model import AniPortrait

POSITIONS = "hearing.encoder.encoder.pos_conv_embed.conv.parametrizations.weight.original"
OLDER = r"audio_encoder\.encoder\.pos_conv_embed\.conv\.weight_"
FROM_HEARING = (
    Rule(r"audio_encoder\.masked_spec_embed", None),  # training
    Rule(OLDER + "g", POSITIONS + "0"),  # as older torch wrote them
    Rule(OLDER + "v", POSITIONS + "1"),
    Rule(r"audio_encoder\.(.+)", r"hearing.encoder.\1"),
    Rule(r"in_fn\.(.+)", r"hearing.narrow.\1"),
)
TO_HEARING = (
    Rule(r"hearing\.encoder\.(.+)", r"audio_encoder.\1"),
    Rule(r"hearing\.narrow\.(.+)", r"in_fn.\1"),
)
FROM_SHAPER = (*FROM_HEARING, Rule(r"out_fn\.(.+)", r"leave.\1"))
TO_SHAPER = (*TO_HEARING, Rule(r"leave\.(.+)", r"out_fn.\1"))
FROM_POSER = (
    *FROM_HEARING,
    Rule(r"pose_map\.(.+)", r"enter.\1"),
    Rule(r"pose_map_r\.(.+)", r"leave.\1"),
    Rule(r"id_embed\.(.+)", r"identities.\1"),
    Rule(r"PPE\.pe", "table"),
    Rule(r"transformer_decoder\.(.+)", r"decoder.\1"),
)
TO_POSER = (
    *TO_HEARING,
    Rule(r"enter\.(.+)", r"pose_map.\1"),
    Rule(r"leave\.(.+)", r"pose_map_r.\1"),
    Rule(r"identities\.(.+)", r"id_embed.\1"),
    Rule("table", "PPE.pe"),
    Rule(r"decoder\.(.+)", r"transformer_decoder.\1"),
)

# The trunk and the levels are sequences of a convolution, a norm and a rectifier.
CONVOLUTIONS = 8
STAGES = {"trunk": "conv_layers", **{f"levels.{k}": f"conv_layers_{k + 1}" for k in range(4)}}
FROM_GUIDER = (
    *(
        Rule(rf"{theirs}\.{3 * k + part}\.(.+)", rf"{ours}.{k}.{kind}.\1")
        for ours, theirs in STAGES.items()
        for k in range(CONVOLUTIONS)
        for part, kind in enumerate(("convolve", "norm"))
    ),
    *(Rule(rf"cross_attn{k + 1}\.(.+)", rf"attention.{k}.\1") for k in range(4)),
    Rule(r"final_proj\.(.+)", r"project.\1"),
    Rule("scale", "scale"),
)
TO_GUIDER = (
    *(
        Rule(rf"{ours}\.{k}\.{kind}\.(.+)", rf"{theirs}.{3 * k + part}.\1")
        for ours, theirs in STAGES.items()
        for k in range(CONVOLUTIONS)
        for part, kind in enumerate(("convolve", "norm"))
    ),
    *(Rule(rf"attention\.{k}\.(.+)", rf"cross_attn{k + 1}.\1") for k in range(4)),
    Rule(r"project\.(.+)", r"final_proj.\1"),
    Rule("scale", "scale"),
)

KEEP = Rule(r"((?:conv|time|down_blocks|mid_block|up_blocks).+)", r"\1")
FROM_REFERENCE = TO_REFERENCE = (KEEP,)
FROM_BACKBONE = (*FROM_ANIMATEDIFF, KEEP)
TO_BACKBONE = (*TO_ANIMATEDIFF, KEEP)

# Our part, the official file without its suffix, and the names both ways.
PARTS = {
    "shaper": ("audio2mesh", FROM_SHAPER, TO_SHAPER),
    "poser": ("audio2pose", FROM_POSER, TO_POSER),
    "guider": ("pose_guider", FROM_GUIDER, TO_GUIDER),
    "reference": ("reference_unet", FROM_REFERENCE, TO_REFERENCE),
    "backbone": ("denoising_unet", FROM_BACKBONE, TO_BACKBONE),
}
TEMPORAL = "motion_module"  # holds the backbone's layers over time
LAYERS = "motion_modules."  # their names have this

Files = Mapping[str, Mapping[str, Tensor]]  # official tensors by the name of their file


def ours(files: Files, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All files as one model in our names; `WeightsError` names what does not fit.

    Where two files have a tensor, the denoiser's own counts, as in the official code.
    """
    found = {}
    for part, (file, rules, _) in PARTS.items():
        given = dict(files[file])
        if part == "backbone":
            given = dict(files[TEMPORAL]) | given
        wanted = {
            name.removeprefix(f"{part}."): tensor
            for name, tensor in expected.items()
            if name.startswith(f"{part}.")
        }
        made = convert(given, rules, wanted, file)
        found |= {f"{part}.{name}": tensor for name, tensor in made.items()}
    return found


def official(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Our tensors as official files."""
    files = {}
    for part, (file, _, rules) in PARTS.items():
        own = {
            name.removeprefix(f"{part}."): tensor
            for name, tensor in tensors.items()
            if name.startswith(f"{part}.")
        }
        files[file] = renamed(own, rules)
    whole = doubled_tables(files["denoising_unet"])
    files[TEMPORAL] = {name: t for name, t in whole.items() if LAYERS in name}
    files["denoising_unet"] = {name: t for name, t in whole.items() if LAYERS not in name}
    return files


def adopt(
    checkpoints: Sequence[Checkpoint], wanted: Any
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """AniPortrait's networks in our names, and the settings of the preset ``wanted.name``."""
    tables = settings.load_preset(wanted.name).tables
    form = settings.resolve(AniPortraitConfig, preset=tables).model
    with torch.device("meta"):
        expected = AniPortrait(form).state_dict()
    files = {Path(given.file).stem: given.tensors for given in checkpoints}
    needed = (*(file for file, *_ in PARTS.values()), TEMPORAL)
    lacking = [name for name in needed if name not in files]
    if lacking:
        raise WeightsError(f"{wanted.name}: no file {lacking[0]} among those given")
    return ours(files, expected), asdict(form)
