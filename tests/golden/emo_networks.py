"""Runners of the files about Hallo's and EMO's networks."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.embeddings import ImageProjection
from torch import Tensor

from lipkit.models.parts.audio_attention import AudioModule, AudioProjection, Voice
from lipkit.models.parts.convert import convert as fit
from lipkit.models.parts.diffusion_config import MotionConfig
from lipkit.models.parts.motion import MotionModule, fold, unfold
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, carried

from .audio import weights

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


@torch.no_grad()
def audio_projection(meta: Meta, tensors: Tensors) -> Tensors:
    form = meta["config"]
    given = form["seq_len"] * form["blocks"] * form["channels"]
    network = AudioProjection(
        given, form["intermediate_dim"], form["context_tokens"], form["output_dim"]
    )
    network.load_state_dict(weights(tensors, "w."))
    return {"out": network(tensors["x"].flatten(2))}


@torch.no_grad()
def image_projection(meta: Meta, tensors: Tensors) -> Tensors:
    form = meta["config"]
    network = ImageProjection(
        form["clip_embeddings_dim"], form["cross_attention_dim"], form["clip_extra_context_tokens"]
    )
    given = weights(tensors, "w.")
    network.load_state_dict({k.replace("proj.", "image_embeds."): v for k, v in given.items()})
    return {
        "out": network(tensors["x"]),
        "out_zeros": network(torch.zeros_like(tensors["x"][:1])),
    }


@torch.no_grad()
def face_locator(meta: Meta, tensors: Tensors) -> Tensors:
    form = meta["config"]
    network = ControlNetConditioningEmbedding(
        form["conditioning_embedding_channels"],
        form["conditioning_channels"],
        tuple(form["block_out_channels"]),
    )
    network.load_state_dict(weights(tensors, "w."))
    clip = tensors["x"]
    return {"out": unfold(network(fold(clip)), clip.shape[2])}


@torch.no_grad()
def motion(meta: Meta, tensors: Tensors) -> Tensors:
    form = meta["config"]
    module = MotionModule(form["in_channels"], motion_form(form))
    given = {f"motion_modules.0.{k}": v for k, v in weights(tensors, "w.").items()}
    expected = {f"motion_modules.0.{k}": v for k, v in module.state_dict().items()}
    found = fit(given, FROM_ANIMATEDIFF, expected, "golden")
    module.load_state_dict(weights(found, "motion_modules.0."))
    clip, before = tensors["x"], tensors["motion"]
    pictures, frames = fold(clip), clip.shape[2]
    whole = torch.cat([before, clip], 2)
    return {
        "out": unfold(carried(module, pictures, frames, before.transpose(1, 2)), frames),
        "out_without_motion": unfold(carried(module, pictures, frames), frames),
        "out_all": unfold(carried(module, fold(whole), whole.shape[2]), whole.shape[2]),
    }


def motion_form(inner: Meta) -> MotionConfig:
    return MotionConfig(
        heads=inner["num_attention_heads"],
        blocks=inner["num_transformer_block"],
        divisor=inner["temporal_attention_dim_div"],
        table=inner["temporal_position_encoding_max_len"],
    )


@torch.no_grad()
def audio_block(meta: Meta, tensors: Tensors) -> Tensors:
    form = meta["config"]
    frames, depth = tensors["x"].shape[2], form["depth"]
    masks = [[tensors[f"mask_{part}"]] * (depth + 1) for part in ("full", "face", "lip")]
    results = {}

    def run(kind: str, scale: Any = (1, 1, 1)) -> Tensor:
        masked = kind == "w." and form["unet_block_name"] in form["stack_enable_blocks_name"]
        masked = masked and depth in form["stack_enable_blocks_depth"]
        module = AudioModule(
            form["in_channels"],
            form["num_attention_heads"] * form["attention_head_dim"],
            form["num_attention_heads"],
            form["cross_attention_dim"],
            form["norm_num_groups"],
            masked=masked,
            level=depth,
        )
        module.load_state_dict(weights(tensors, kind))
        voice = Voice(tensors["audio"].flatten(0, 1), masks, scale)
        return unfold(module(fold(tensors["x"]), voice), frames)

    results["out_scale_none"] = results["out_scale_111"] = run("w.")
    results["out_scale_alt"] = run("w.", meta["motion_scale_alt"])
    results["out_plain"] = run("w_plain.")
    return results


RUNNERS = {
    "emo/audio_proj": audio_projection,
    "emo/image_proj": image_projection,
    "emo/face_locator": face_locator,
    "emo/motion_module": motion,
    "emo/audio_block": audio_block,
}
