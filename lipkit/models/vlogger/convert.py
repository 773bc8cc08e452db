"""AniPortrait's five files in our names, and ours in theirs."""

from __future__ import annotations

from lipkit.models.parts.convert import Rule
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, TO_ANIMATEDIFF

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
