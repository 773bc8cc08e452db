"""Runners of the files about AniPortrait's networks and what feeds them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lipkit.faces.canonical import canonical
from lipkit.models.parts import noise_levels
from lipkit.models.parts.convert import convert as fit
from lipkit.models.parts.denoising import denoise
from lipkit.models.parts.diffusion_config import DiffusionConfig, TemporalConfig
from lipkit.models.parts.reference import Reading, ReferenceNet
from lipkit.models.parts.sampling import noised
from lipkit.models.vlogger import head, pose
from lipkit.models.vlogger.aniportrait import convert, hearing
from lipkit.models.vlogger.aniportrait.backbone import Backbone, Guide, joined
from lipkit.models.vlogger.aniportrait.config import (
    BackboneConfig,
    GuiderConfig,
    HearingConfig,
    PoserConfig,
    ShaperConfig,
)
from lipkit.models.vlogger.aniportrait.drawing import draw
from lipkit.models.vlogger.aniportrait.guider import PoseGuider
from lipkit.models.vlogger.aniportrait.overlap import Windows, reversed_bits

from .audio import weights

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


def windows(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for case in meta["cases"]:
        asked, number = case["args"], case["case"]
        form = Windows(
            asked["context_size"],
            asked["context_overlap"],
            asked["context_stride"],
            asked["closed_loop"],
        )
        found = list(form.rows(asked["num_frames"], asked["step"]))
        longest = max(map(len, found))
        padded = [rows + [-1] * (longest - len(rows)) for rows in found]
        results[f"windows.{number}"] = padded
        results[f"coverage.{number}"] = form.coverage(asked["num_frames"], asked["step"])
    count = len(tensors["ordered_halving_0_31"])
    results["ordered_halving_0_31"] = [reversed_bits(step) for step in range(count)]
    return {key: torch.as_tensor(np.asarray(value)) for key, value in results.items()}


def pose_math(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    given = {key: value.numpy() for key, value in tensors.items()}
    height, width = given["in.image_hw"].tolist()
    size, reference = (width, height), given["in.trans_mat"]
    poses, vertices, full = given["in.pose6"], given["in.vertices"], given["in.full_mats"]
    made = pose.matrices(poses)
    back = pose.poses(made)
    neutral = int(given["in.blendshapes"].sum(1).argmin())
    followed = pose.followed(full, reference)
    results = {
        "out.pose_mats": made,
        "out.back_euler": back[:, :3],
        "out.back_trans": back[:, 3:],
        "out.perspective": pose.perspective(width / height).flatten(),
        "out.projected": pose.project(vertices, reference @ made, size),
        "out.projected_with_trans": pose.project(vertices, full, size),
        "out.mirrored_tiled": pose.to_and_fro(poses, len(given["out.mirrored_tiled"])),
        "out.retarget_vertices": pose.retargeted(vertices, neutral, given["in.ref_vertices"]),
        "out.vid2vid_pose_arr": followed,
        "out.vid2vid_pose_smooth": pose.smoothed(followed, 3),
        "out.generate_ref_pose_delta": pose.template(full),
        "@neutral_frame": np.asarray(neutral),
    }
    for key in given:
        if key.startswith("out.smooth"):
            window = int(key.removeprefix("out.smooth"))
            results[key] = pose.smoothed(poses, window)
    return {key: torch.as_tensor(value) for key, value in results.items()}


def drawing(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for key in tensors:
        if key.startswith("out."):
            case = next(k for k in tensors if k.startswith("in.") and k[3:] in key)
            points = tensors[case].numpy()
            height, width = tensors[key].shape[:2]
            if case == "in.pixels":
                points = points / (width, height)
            made = draw(points, (width, height), forehead="forehead" in key)
            results[key] = torch.from_numpy(made)
    return results


def face_geometry(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    # The file also has what a network of MediaPipe's, which its package lacks, makes of landmarks.
    tensors.pop("out.blendshapes51", None)
    face = canonical()
    found = head.fit(tensors["in.landmarks478"].numpy(), tuple(tensors["in.image_wh"].tolist()))
    results = {
        "canonical.vertices": face.vertices,
        "canonical.uv": face.texture,
        "canonical.triangles": face.triangles,
        "canonical.procrustes_weights": face.weights,
        "out.mesh468": found.mesh,
        "out.pose_matrix": found.matrix,
    }
    return {key: torch.as_tensor(value) for key, value in results.items()}


def filled(network: nn.Module, tensors: Tensors, rules: Any) -> nn.Module:
    """A network with the official weights of a file, through our converter."""
    given = {key: value.float() for key, value in weights(tensors, "w.").items()}
    network.load_state_dict(fit(given, rules, network.state_dict(), "golden"))
    return network.eval()


def hearing_form(meta: Meta) -> HearingConfig:
    form = meta["config"]
    return HearingConfig(
        width=form["hidden_size"],
        layers=form["num_hidden_layers"],
        heads=form["num_attention_heads"],
        inner=form["intermediate_size"],
        convolutions=tuple(form["conv_dim"]),
        positions=form["num_conv_pos_embeddings"],
        position_groups=form["num_conv_pos_embedding_groups"],
        states="last" if form["only_last_features"] else "mean",
    )


@torch.inference_mode()
def shaper(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    form, config = hearing_form(meta), meta["config"]
    size = ShaperConfig(config["latent_dim"], config["out_dim"] // 3)
    network = filled(hearing.Shaper(size, form), tensors, convert.FROM_SHAPER)
    raw = tensors["in.raw"][None]
    scaled, frames, ears = hearing.scaled(raw), meta["seq_len"], network.hearing
    convolved = ears.convolved(scaled, frames)
    states = {kind: ears.states(convolved, kind) for kind in ("last", "mean")}
    return {
        "in.normalized": scaled,
        "out.conv_features": ears.convolved(scaled),
        "out.interpolated": convolved,
        "out.last_hidden_state": states["last"],
        "out.hidden_states_mean": states["mean"],
        "out.mesh_offsets": network(scaled, frames).flatten(2),
    }


@torch.inference_mode()
def poser(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    form, config = hearing_form(meta), meta["config"]
    size = PoserConfig(
        width=config["latent_dim"],
        heads=config["nhead"],
        layers=config["layers"],
        inner=config["ffn"],
        angles=config["out_dim"],
        identities=len(tensors["w.id_embed.weight"]),
        table=tensors["w.PPE.pe"].shape[1],
    )
    network = filled(hearing.Poser(size, form), tensors, convert.FROM_POSER)
    wave, frames, ears = tensors["in.audio"], meta["seq_len"], network.hearing
    made = network(wave, frames, tensors["in.id"])
    softened = pose.softened(made[0].numpy())
    masked = next(key for key in tensors if key.startswith("out.memory_mask_"))
    biased = next(key for key in tensors if key.startswith("out.bias_mask_"))
    rows, columns = tensors[masked].shape
    return {
        "out.hidden": ears.states(ears.convolved(wave, frames), form.states),
        "out.pose": made,
        "out.slopes": hearing.slopes(size.heads),
        masked: 1 - torch.eye(rows, columns, dtype=torch.uint8),  # ours takes that step alone
        biased: hearing.biases(size.heads, tensors[biased].shape[1]).clamp(min=-1e30),
        "out.pose_half_rot_smooth7": torch.from_numpy(softened),
    }


@torch.inference_mode()
def guider(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    config = meta["config"]
    form = GuiderConfig(
        config["noise_latent_channels"],
        config["attn_heads"],
        config["attn_head_dim"],
        config["attn_norm_groups"],
    )
    results: dict[str, Any] = {}

    def run(name: str, pictures: Tensor, **edit: Any) -> None:
        network = filled(PoseGuider(replace(form, **edit)), tensors, convert.FROM_GUIDER)
        for level, features in enumerate(network(pictures)):
            results[f"out.{name}.{level}"] = features

    unit = tensors["in.pose"]
    drawn = (unit + 1) / 2 * 255  # no whole levels in the file
    raw = PoseGuider(replace(form, pixels="raw")).pixels(drawn)
    run("eval", unit)
    run("eval_no_attn", unit, attention=False)
    run("batchstats", unit, norm="batch")
    run("batchstats_raw255", raw, norm="batch", pixels="raw")
    return {key: value for key, value in results.items() if key in tensors}


def diffusion(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    config = meta["config"]
    form = DiffusionConfig(
        prediction=config["prediction_type"],
        zero_snr=config["rescale_betas_zero_snr"],
        betas=config["beta_schedule"],
        spacing=config["timestep_spacing"],
    )
    steps = noise_levels.scheduler(form, meta["steps"])
    guesses = tensors["in.model_out_uncond_cond"]

    def predict(latents: Tensor, time: int, step: int) -> Tensor:
        plain, guided = guesses[step]
        return plain + meta["guidance"] * (guided - plain)

    training, times = noise_levels.scheduler(form), tensors["in.train_t"]
    clean, noise = tensors["in.train_x0"], tensors["in.train_noise"]
    ratio = noise_levels.signal_to_noise(training.alphas_cumprod, times)
    return {
        "out.alphas_cumprod": steps.alphas_cumprod,
        "out.betas": steps.betas,
        "out.timesteps": steps.timesteps,
        "out.init_noise_sigma": torch.tensor(steps.init_noise_sigma),
        "out.final_alpha": steps.final_alpha_cumprod,
        "out.latents": torch.stack(list(denoise(predict, tensors["in.latents0"], steps))),
        "out.train_noisy": noised(clean, noise, training.alphas_cumprod, times),
        "out.train_velocity": noise_levels.target_of(form, training, clean, noise, times),
        "out.train_snr_weights_gamma5": noise_levels.min_snr_weight(ratio, 5.0, form.prediction),
    }


def unet_form(meta: Meta) -> BackboneConfig:
    form, extra = meta["config"], meta["unet_additional_kwargs"]
    inner = extra["motion_module_kwargs"]
    widths = tuple(form["block_out_channels"])
    return BackboneConfig(
        in_channels=form["in_channels"],
        out_channels=form["out_channels"],
        widths=widths,
        layers=form["layers_per_block"],
        attention=tuple(range(len(widths) - 1)),
        heads=form["attention_head_dim"],
        context=form["cross_attention_dim"],
        groups=form["norm_num_groups"],
        scope="frame" if extra["use_inflated_groupnorm"] else "clip",
        motion=TemporalConfig(
            levels=tuple(r.bit_length() - 1 for r in extra["motion_module_resolutions"]),
            encoder=not extra["motion_module_decoder_only"],
            middle=extra["motion_module_mid_block"],
            heads=inner["num_attention_heads"],
            blocks=inner["num_transformer_block"],
            divisor=inner["temporal_attention_dim_div"],
            table=inner["temporal_position_encoding_max_len"],
        ),
    )


@torch.inference_mode()
def reference(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    network = filled(ReferenceNet(unet_form(meta)), tensors, convert.FROM_REFERENCE)
    last: list[Tensor] = []
    network.up_blocks[-1].register_forward_hook(lambda *given: last.append(given[-1]))
    bank = network(tensors["in.ref_latent"], tensors["in.clip_embed"])
    return {f"out.bank.{layer}": seen for layer, seen in bank.items()} | {"out.sample": last[0]}


@torch.inference_mode()
def denoiser(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    form = unet_form(meta)
    network = filled(Backbone(form), tensors, convert.FROM_BACKBONE)
    written = load_file(Path(meta["folder"]) / "ap_ref_unet.safetensors")
    writer = filled(ReferenceNet(form), written, convert.FROM_REFERENCE)
    bank = writer(written["in.ref_latent"], written["in.clip_embed"])
    bank = {layer: seen[:, None] for layer, seen in bank.items()}
    latents, time = tensors["in.latents"], int(tensors["in.timestep"])
    levels = [key for key in tensors if key.startswith("in.pose_fea.")]
    poses = [tensors[key] for key in sorted(levels)]
    samples = torch.arange(len(latents)) % len(written["in.ref_latent"])
    rows = samples.repeat_interleave(latents.shape[2])
    context = tensors["in.clip_embed"]
    plain = Guide(Reading({}, rows), context, poses)
    full = Guide(Reading(bank, rows), context, poses)
    bare = Guide(Reading({}, rows), torch.zeros_like(context), poses)
    pair = joined(bare, full)
    return {
        "out.no_reference": network(latents, time, plain),
        "out.no_pose_no_reference": network(latents, time, replace(plain, poses=())),
        "out.reference": network(latents, time, full),
        "out.cfg_pair": network(latents.repeat(2, 1, 1, 1, 1), time, pair),
    }


RUNNERS = {
    "ap_ref_unet": reference,
    "ap_denoise_unet": denoiser,
    "ap_ddim": diffusion,
    "ap_pose_guider": guider,
    "ap_audio2mesh": shaper,
    "ap_audio2pose": poser,
    "ap_context_windows": windows,
    "ap_pose_math": pose_math,
    "ap_draw": drawing,
    "ap_face_geometry": face_geometry,
}
