"""Runners of the files about LatentSync's networks, its sampling and its losses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn

from lipkit.audio import windows
from lipkit.faces import latentsync, latentsync_pixels
from lipkit.models.latentsync import convert
from lipkit.models.latentsync.config import ModelConfig, SamplingConfig
from lipkit.models.latentsync.denoiser import KEPT_STEPS, Denoiser
from lipkit.models.latentsync.pipeline import LatentSyncer
from lipkit.models.parts import denoising, sampling, vae
from lipkit.models.parts.convert import convert as fit
from lipkit.models.parts.diffusion_config import MotionConfig, VaeConfig, VideoUNetConfig
from lipkit.models.parts.motion import MotionModule, fold, unfold
from lipkit.models.parts.video_unet import VideoUNet, attend, listen, residual
from lipkit.protocols import Features

from .audio import weights
from .hashing import hashed

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
Array = np.ndarray

THREE = ((43, 48, 49, 51, 50), tuple(range(101, 106)), (74, 77, 83, 86))  # brows and nose


def unet_form(official: Meta) -> VideoUNetConfig:
    """Our settings for the official ones."""
    kinds = official["down_block_types"]
    inner = official["motion_module_kwargs"]
    return VideoUNetConfig(
        in_channels=official["in_channels"],
        out_channels=official["out_channels"],
        widths=tuple(official["block_out_channels"]),
        layers=official["layers_per_block"],
        attention=tuple(i for i, kind in enumerate(kinds) if kind.startswith("CrossAttn")),
        heads=official["attention_head_dim"],
        context=official["cross_attention_dim"] if official["add_audio_layer"] else None,
        groups=official["norm_num_groups"],
        epsilon=official["norm_eps"],
        scope="frame" if official.get("use_inflated_groupnorm") else "clip",
        motion=motion_form(inner, official) if official["use_motion_module"] else MotionConfig(),
    )


def motion_form(inner: Meta, official: Meta | None = None) -> MotionConfig:
    official = official or {}
    return MotionConfig(
        levels=tuple(r.bit_length() - 1 for r in official.get("motion_module_resolutions", ())),
        encoder=not official.get("motion_module_decoder_only", False),
        middle=official.get("motion_module_mid_block", False),
        heads=inner["num_attention_heads"],
        blocks=inner["num_transformer_block"],
        divisor=inner["temporal_attention_dim_div"],
        table=inner["temporal_position_encoding_max_len"],
    )


def unet_of(config: Meta, tensors: Tensors) -> VideoUNet:
    """A UNet with official weights."""
    unet = VideoUNet(unet_form(config)).eval()
    unet.load_state_dict(fit(tensors, convert.UNET, unet.state_dict(), "golden"))
    return unet


@torch.no_grad()
def unet(meta: Meta, tensors: Tensors) -> Tensors:
    model = unet_of(meta["config"]["model"], weights(tensors, "w."))
    seen: Tensors = {}
    results = {}
    for call in meta["config"]["calls"]:
        key = call["id"]
        time = tensors[f"in.{key}.timestep"]
        watching = watch(model, seen, f"mid.{key}.") if call["mids"] else []
        results[f"out.{key}.sample"] = model(
            tensors[f"in.{key}.sample"],
            int(time) if call["timestep"] == "int" else time,
            tensors.get(f"in.{key}.audio"),
        )
        for hook in watching:
            hook.remove()
    frames = {k.split(".")[1]: v.shape[2] for k, v in tensors.items() if k.endswith(".sample")}
    for key, value in seen.items():
        results[key] = unfold(value, frames[key.split(".")[1]]) if value.dim() == 4 else value
    return {key: value for key, value in results.items() if key in tensors}


def watch(model: nn.Module, seen: Tensors, prefix: str) -> list[Any]:
    """Note what some layers give, for finding a fault."""

    def noted(name: str) -> Any:
        return lambda module, given, made: seen.__setitem__(prefix + name, made)

    return [
        getattr(model, n).register_forward_hook(noted(n)) for n in ("conv_in", "time_embedding")
    ]


@torch.no_grad()
def resnet(meta: Meta, tensors: Tensors) -> Tensors:
    args = dict(meta["config"]["args"])
    per_frame = args.pop("use_inflated_groupnorm", False)
    block = ResnetBlock2D(**args).eval()
    block.load_state_dict(weights(tensors, "w."))
    clip, time = tensors["in.x"], tensors["in.temb"]
    frames = clip.shape[2]

    def run(x: Tensor) -> Tensor:
        return unfold(residual(block, fold(x), time, 1 if per_frame else frames), frames)

    return {"out": run(clip), "out.small": run(clip * meta["config"]["small"])}


@torch.no_grad()
def transformer(meta: Meta, tensors: Tensors) -> Tensors:
    args = dict(meta["config"]["args"])
    hears = args.pop("add_audio_layer")
    block = Transformer2DModel(**args).eval()
    for inner in block.transformer_blocks:
        listen(inner, hears)
    block.load_state_dict(weights(tensors, "w."))
    results = {}
    for key in meta["config"]["ids"]:
        clip = tensors[f"in.{key}.x"]
        made = attend(block, fold(clip), tensors.get(f"in.{key}.audio"))
        results[f"out.{key}"] = unfold(made, clip.shape[2])
    return results


@torch.no_grad()
def motion(meta: Meta, tensors: Tensors) -> Tensors:
    args = meta["config"]["args"]
    module = MotionModule(args["in_channels"], motion_form(args)).eval()
    given = {f"motion_modules.0.{k}": v for k, v in weights(tensors, "w.").items()}
    expected = {f"motion_modules.0.{k}": v for k, v in module.state_dict().items()}
    module.load_state_dict(
        weights(fit(given, convert.UNET, expected, "golden"), "motion_modules.0.")
    )
    results = {"pe": module.transformer_blocks[0].pos_embed.pe}
    for key in meta["config"]["ids"]:
        clip = tensors[f"in.{key}"]
        results[f"out.{key}"] = unfold(module(fold(clip), clip.shape[2]), clip.shape[2])
    return results


@torch.no_grad()
def weight_init(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    source, target = (VideoUNet(unet_form(config[side])) for side in ("source", "target"))
    given = {k: hashed(config["source_salt"], k, v) for k, v in official(source).items()}
    before = {k: hashed(config["target_salt"], k, v) for k, v in official(target).items()}
    target.load_state_dict(fit(before, convert.UNET, target.state_dict(), "golden"))
    before = official(target)
    state = target.state_dict()
    target.load_state_dict(state | convert.initialise(state, given))
    after = official(target)
    changed = [not torch.equal(before[key], after[key]) for key in config["keys"]]
    return {"out.changed": torch.tensor(changed, dtype=torch.uint8)}


def official(unet: VideoUNet) -> Tensors:
    """Copies of a UNet's tensors in official names."""
    return {key: value.clone() for key, value in convert.official(unet.state_dict()).items()}


def ddim_tables(meta: Meta, tensors: Tensors) -> Tensors:
    x0, eps, times = tensors["in.x0"], tensors["in.eps"], tensors["in.t"]
    results: Tensors = {}
    for count in meta["config"]["steps"]:
        scheduler = denoising.schedule("ddim", count)
        steps = scheduler.timesteps
        results[f"out.timesteps.{count}"] = steps
        for name, step in (("step", min(1, count - 1)), ("last", count - 1)):
            made = scheduler.step(eps, steps[step], x0).prev_sample
            results[f"out.ddim_{name}.{count}"] = made
        alphas = results["out.alphas_cumprod"] = scheduler.alphas_cumprod
        results["out.final_alpha_cumprod"] = scheduler.final_alpha_cumprod
        noisy = sampling.noised(x0, tensors["in.noise"], alphas, times)
        results["out.add_noise"] = noisy
        results["out.one_step"] = sampling.clean_of(
            "epsilon", eps, noisy, sampling.share_of(alphas, times, x0)
        )
    return results


def mixed_noise(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for case in meta["config"]["cases"]:
        key = case["id"]
        own = tensors[f"in.{key}.individual_draw"] if case["mixed"] else None
        shared = tensors[f"in.{key}.shared_draw"]
        results[f"out.{key}"] = denoising.mixed_noise(shared, own, case["alpha"])
    return results


@torch.no_grad()
def denoise_loop(meta: Meta, tensors: Tensors) -> Tensors:
    model = unet_of(meta["config"]["unet"], weights(tensors, "w.unet."))
    results: Tensors = {}
    for case in meta["config"]["cases"]:
        key = f"{case['id']}."
        given = weights(tensors, f"in.{key}")
        condition = torch.cat([given[n] for n in ("mask", "masked_latents", "ref_latents")], 1)
        every = KEPT_STEPS if case.get("deepcache") else 1
        predict = Denoiser(model, condition, given["audio"], case["guidance_scale"], every)
        scheduler = denoising.schedule("ddim", case["steps"])
        results[f"out.{key}timesteps"] = scheduler.timesteps
        for step, made in enumerate(denoising.denoise(predict, given["latents"], scheduler)):
            results[f"out.{key}step{step}"] = made
    return results


class StoredNoise:
    """Noise that a file holds, in its order."""

    def __init__(self, tensors: Tensors) -> None:
        keys = sorted(key for key in tensors if key.startswith("in.noise."))
        self.left = [tensors[key] for key in keys]

    def initial(self, shape: tuple[int, ...]) -> Tensor:
        drawn = self.left.pop(0)
        assert drawn.shape == shape
        return drawn

    posterior = initial


def vae_form(official: Meta) -> VaeConfig:
    return VaeConfig(
        weights="",
        widths=tuple(official["block_out_channels"]),
        layers=official["layers_per_block"],
        latents=official["latent_channels"],
        groups=official["norm_num_groups"],
    )


def vae_of(config: Meta, tensors: Tensors) -> AutoencoderKL:
    network = vae.build(vae_form(config)).eval()
    network.load_state_dict(fit(tensors, vae.RULES, network.state_dict(), "golden"))
    return network


def aligned(frames: Array, landmarks: Array, resolution: int) -> tuple[Array, Array]:
    """Matrices ``(n, 2, 3)`` and faces ``(n, r, r, 3)`` of a video, each frame looked at once."""
    matrices, faces, bias = [], [], None
    for frame, points in zip(frames, landmarks, strict=True):
        three = latentsync.three_points(points, THREE)
        matrix, bias = latentsync.fit(three, resolution, bias)
        matrices.append(matrix)
        faces.append(latentsync_pixels.cut(frame, matrix, resolution)[1])
    return np.stack(matrices), np.stack(faces)


def pipeline(meta: Meta, tensors: Tensors) -> Tensors:
    """The official pipeline out of our parts: align, syncer, paste."""
    config = meta["config"]
    resolution, fps = config["resolution"], 25
    form = ModelConfig(
        resolution=resolution,
        window=config["num_frames"],
        unet=unet_form(config["unet"]),
        vae=vae_form(config["vae"]),
    )
    syncer = LatentSyncer(
        unet_of(config["unet"], weights(tensors, "w.unet.")),
        vae_of(config["vae"], weights(tensors, "w.vae.")),
        form,
    )
    features = tensors["in.features"].numpy()
    heard = windows.cut(features, windows.latentsync_rows(len(features), fps))
    frames = tensors["in.frames"].numpy()
    seen = windows.extend(len(frames), len(heard), "pingpong")
    matrices, faces = aligned(frames, tensors["in.landmarks106"].numpy(), resolution)
    pixels, _ = latentsync_pixels.prepare(faces[seen], np.full((resolution,) * 2, 255, np.uint8))
    sampling = SamplingConfig(steps=config["steps"], guidance=config["guidance_scale"])
    audio = Features(heard, Fraction(fps), "stored")
    made = torch.cat([*syncer.sync([pixels], audio, sampling, StoredNoise(tensors))])
    pasted = [
        latentsync_pixels.paste(frames[row], face, matrices[row], resolution)
        for row, face in zip(seen, made, strict=True)
    ]
    samples = min(len(tensors["in.audio"]), int(len(pasted) / fps * 16000))
    return {
        "out.frames": torch.from_numpy(np.stack(pasted)),
        "out.audio_samples": torch.tensor(samples),
        "out.fps": torch.tensor(fps),
    }


RUNNERS = {
    "ddim_tables": ddim_tables,
    "mixed_noise": mixed_noise,
    "denoise_loop": denoise_loop,
    "pipeline_e2e": pipeline,
    "unet3d_audio": unet,
    "unet3d_audio_motion": unet,
    "unet3d_motion_mid_noaudio": unet,
    "resnet3d": resnet,
    "transformer3d": transformer,
    "motion_module": motion,
    "weight_init": weight_init,
}
