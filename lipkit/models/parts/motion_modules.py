"""Motion modules that also see frames made before, and their names in official checkpoints."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from lipkit.models.parts.convert import Rule
from lipkit.models.parts.motion import MotionModule

MODULE = r"(.*motion_modules\.\d+)\.temporal_transformer\."
BLOCK = MODULE + r"transformer_blocks\.(\d+)\."
INNER = r"\1.transformer_blocks.\2."
FROM_ANIMATEDIFF = (
    Rule(BLOCK + r"attention_blocks\.0\.pos_encoder\.pe", INNER + "pos_embed.pe"),
    Rule(BLOCK + r"attention_blocks\.1\.pos_encoder\.pe", None),  # the same table once more
    Rule(BLOCK + r"attention_blocks\.0\.(.+)", INNER + r"attn1.\3"),
    Rule(BLOCK + r"attention_blocks\.1\.(.+)", INNER + r"attn2.\3"),
    Rule(BLOCK + r"norms\.0\.(.+)", INNER + r"norm1.\3"),
    Rule(BLOCK + r"norms\.1\.(.+)", INNER + r"norm2.\3"),
    Rule(BLOCK + r"ff_norm\.(.+)", INNER + r"norm3.\3"),
    Rule(BLOCK + r"ff\.(.+)", INNER + r"ff.\3"),
    Rule(MODULE + r"(norm|proj_in|proj_out)\.(.+)", r"\1.\2.\3"),
)

OWN = r"(.*motion_modules\.\d+)\.transformer_blocks\.(\d+)\."
OUTER = r"\1.temporal_transformer.transformer_blocks.\2."
ENDS = r"(.*motion_modules\.\d+)\.(norm|proj_in|proj_out)\.(.+)"
TO_ANIMATEDIFF = (
    Rule(OWN + r"pos_embed\.pe", OUTER + "attention_blocks.0.pos_encoder.pe"),
    Rule(OWN + r"attn1\.(.+)", OUTER + r"attention_blocks.0.\3"),
    Rule(OWN + r"attn2\.(.+)", OUTER + r"attention_blocks.1.\3"),
    Rule(OWN + r"norm1\.(.+)", OUTER + r"norms.0.\3"),
    Rule(OWN + r"norm2\.(.+)", OUTER + r"norms.1.\3"),
    Rule(OWN + r"norm3\.(.+)", OUTER + r"ff_norm.\3"),
    Rule(OWN + r"ff\.(.+)", OUTER + r"ff.\3"),
    Rule(ENDS, r"\1.temporal_transformer.\2.\3"),
)


def carried(
    module: MotionModule, pictures: Tensor, frames: int, before: Tensor | None = None
) -> Tensor:
    """Pictures ``(b*f, c, h, w)`` that know of their clip and of frames ``before (b, n, c, h, w)``.

    The earlier frames take the first places of the position table; they are not returned.
    """
    if before is None:
        return module(pictures, frames)
    clip = torch.cat([before.to(pictures), pictures.unflatten(0, (-1, frames))], 1)
    made = module(clip.flatten(0, 1), clip.shape[1])
    return made.unflatten(0, (-1, clip.shape[1]))[:, before.shape[1] :].flatten(0, 1)


def doubled_tables(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors in AnimateDiff's names with each position table for both attentions of a block."""
    ending = re.compile(r"attention_blocks\.0(\.pos_encoder\.pe)$")
    second = {ending.sub(r"attention_blocks.1\1", n): t for n, t in tensors.items()}
    return second | dict(tensors)
