"""Runners of the files about Hallo's and EMO's networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.embeddings import ImageProjection
from safetensors.torch import load_file
from torch import Tensor

from lipkit.faces import hallo
from lipkit.faces.landmarks import SCHEMES
from lipkit.faces.mesh import OVAL
from lipkit.models.emo import convert
from lipkit.models.emo.backbone import Guide, joined
from lipkit.models.emo.config import (
    BackboneConfig,
    ControlsConfig,
    DiffusionConfig,
    HearingConfig,
    IdentityConfig,
    LocatorConfig,
    ModelConfig,
    ReferenceConfig,
    SamplingConfig,
)
from lipkit.models.emo.denoiser import Denoiser, Scenery, guides
from lipkit.models.emo.model import Emo
from lipkit.models.emo.pipeline import EmoAnimator, Sitter
from lipkit.models.emo.speed import bucketed, surrounded
from lipkit.models.parts import denoising
from lipkit.models.parts.audio_attention import PARTS, AudioModule, AudioProjection, Voice
from lipkit.models.parts.convert import convert as fit
from lipkit.models.parts.diffusion_config import MotionConfig
from lipkit.models.parts.motion import MotionModule, fold, unfold
from lipkit.models.parts.motion_modules import FROM_ANIMATEDIFF, carried
from lipkit.models.parts.noise_levels import (
    min_snr_weight,
    scheduler,
    signal_to_noise,
    target_of,
    weighted,
)
from lipkit.models.parts.reference import Reading, spread
from lipkit.models.parts.sampling import noised

from .audio import hallo_features, weights
from .fixtures import Within
from .latentsync_networks import vae_of

Meta = dict[str, Any]
Tensors = dict[str, Tensor]

HALLO = ReferenceConfig(  # the slips that its weights were trained with
    mode="self_concat",
    tap="norm1",
    spread="interleaved",
    tokens="repeated",
    precision="fp16",
    motion="train",
    empty=4,
    first_clip="copies",
)


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


def model_form(official: Meta, frames: int, carried: int, **reference: Any) -> ModelConfig:
    """Our settings for the official ones."""
    flat, extra = official["unet2d"], official["unet3d_extra"]
    heard, located = official["audio_proj"], official["face_locator"]
    identity = official["image_proj"]
    kinds = flat["down_block_types"]
    motion = replace(
        motion_form(extra["motion_module_kwargs"]),
        levels=tuple(r.bit_length() - 1 for r in extra["motion_module_resolutions"]),
        middle=extra["motion_module_mid_block"],
        encoder=not extra["motion_module_decoder_only"],
    )
    unet = BackboneConfig(
        in_channels=flat["in_channels"],
        out_channels=flat["out_channels"],
        widths=tuple(flat["block_out_channels"]),
        layers=flat["layers_per_block"],
        attention=tuple(i for i, kind in enumerate(kinds) if kind.startswith("CrossAttn")),
        heads=flat["attention_head_dim"],
        context=flat["cross_attention_dim"],
        groups=flat["norm_num_groups"],
        epsilon=flat["norm_eps"],
        scope="frame" if extra["use_inflated_groupnorm"] else "clip",
        motion=motion,
    )
    return ModelConfig(
        fps=25,
        window=frames,
        carried=carried,
        unet=unet,
        reference=replace(HALLO, **reference),
        identity=IdentityConfig(
            "insightface", identity["clip_embeddings_dim"], identity["clip_extra_context_tokens"]
        ),
        hearing=HearingConfig(
            layers=heard["blocks"],
            width=heard["channels"],
            margin=(heard["seq_len"] - 1) // 2,
            hidden=heard["intermediate_dim"],
            tokens=heard["context_tokens"],
            token_width=heard["output_dim"],
            block="hierarchical",
            masked=tuple(extra["stack_enable_blocks_name"]),
            masked_levels=tuple(extra["stack_enable_blocks_depth"]),
        ),
        locator=LocatorConfig(widths=tuple(located["block_out_channels"])),
        diffusion=DiffusionConfig("v_prediction", True, betas="linear", spacing="trailing"),
    )


def stored(meta: Meta, part: str) -> Tensors:
    """Weights that lie in a file of their own, as 32-bit numbers."""
    found = load_file(Path(meta["folder"]) / f"{part}.safetensors")
    return {key: value.float() for key, value in found.items()}


def network(meta: Meta, form: ModelConfig) -> Emo:
    """Official weights in our model of those settings."""
    model = Emo(form).eval()
    given = stored(meta, "net_tiny_denoising") | stored(meta, "net_tiny_rest")
    model.load_state_dict(convert.ours(given, model.state_dict(), "golden"))
    return model


def masks_of(tensors: Tensors, prefix: str = "", frames: int = 1) -> list[list[Tensor]]:
    """Masks of the three parts, of four levels each, repeated for frames."""
    return [
        [tensors[f"{prefix}{part}_mask_{level}"].repeat(frames, 1) for level in range(4)]
        for part in PARTS
    ]


@torch.no_grad()
def unet(meta: Meta, tensors: Tensors) -> Tensors:
    frames, carried_on = meta["frames"], meta["n_motion_frames"]

    def at(**reference: Any) -> Emo:
        return network(meta, model_form(meta["config"], frames, carried_on, **reference))

    model, exact = at(), at(precision="run")
    time = int(tensors["timestep"])
    tokens = model.hearing(tensors["audio_window"].flatten(2))[0]
    context = model.identity(
        torch.cat([torch.zeros_like(tensors["face_emb"]), tensors["face_emb"]])
    )
    results = {
        "tokens_uncond_cond": context,
        "audio_tokens": tokens[None],
        "face_locator_feature": model.whereabouts(tensors["face_region"], frames),
    }

    def run(model: Emo, guided: bool = True, **edit: Any) -> Tensor:
        voice = Voice(tokens, masks_of(tensors), edit.pop("scale", meta["motion_scale"]))
        scene = Scenery(
            tensors["ref_latents"][None], voice, tensors["face_region"], tensors["face_emb"]
        )
        found = [replace(guide, **edit) for guide in guides(model, scene, guided)]
        sample = tensors["latents"].repeat(len(found), 1, 1, 1, 1)
        return model.backbone(sample, time, joined(found) if guided else found[0])

    none = Reading({}, torch.zeros(frames, dtype=torch.long))
    silent = Voice(torch.zeros_like(tokens), masks_of(tensors), meta["motion_scale"])
    bank = exact.remember(tensors["ref_latents"][None].expand(2, -1, -1, -1, -1), context)
    results |= {
        "out_official": run(model),
        "out_bank_fp32": run(exact),
        "out_eval_trap": run(at(motion="eval")),
        "out_motion_scale_alt": run(model, scale=meta["motion_scale_alt"]),
        "out_motion_scale_none": run(model, scale=(1, 1, 1)),
        "out_nocfg": run(model, guided=False),
        "out_nocfg_bank_fp32": run(exact, guided=False),
        "out_no_reference": run(model, guided=False, reading=none),
        "out_zero_audio": run(model, guided=False, voice=silent),
        "nonofficial_corrected": run(at(precision="run", spread="ordered", tokens="own")),
    }
    results |= {
        key: bank[key.removeprefix("bank.")].flatten(0, 1)
        for key in tensors
        if key.startswith("bank.")
    }
    given = {k.removeprefix("b2_"): v for k, v in tensors.items() if k.startswith("b2_")}
    results["b2_out"] = several(model, given, frames, meta["motion_scale"])
    results["b2_out_bank_fp32"] = several(exact, given, frames, meta["motion_scale"])
    kinds = meta["suggested_tolerance"]
    tight, loose = (float(kinds[k].split()[1]) for k in ("out_bank_fp32", "out_official"))
    rough = {"out_official", "out_motion_scale_alt", "out_motion_scale_none", "out_nocfg"}
    rough |= {"out_zero_audio", "out_eval_trap", "b2_out"}
    return {key: Within(t, loose if key in rough else tight) for key, t in results.items()}


def several(model: Emo, given: Tensors, frames: int, scale: list[float]) -> Tensor:
    """A batch of several samples, as in training."""
    samples = len(given["latents"])
    context = model.identity(given["face_emb"])
    bank = model.remember(given["ref_latents"].unflatten(0, (samples, -1)), context)
    owner = spread(samples, frames, model.config.reference.spread)
    tokens = model.hearing(given["audio_window"].flatten(2)).flatten(0, 1)
    guide = Guide(
        reading=Reading(bank, owner),
        samples=torch.arange(samples),
        voice=Voice(tokens, masks_of(given), scale),
        context=context,
        face=model.whereabouts(given["face_region"], frames),
    )
    return model.backbone(given["latents"], given["timesteps"], guide)


def emo_speed(meta: Meta, tensors: Tensors) -> Tensors:
    vectors = bucketed(tensors["velocity"], tensors["centres"], tensors["radii"])
    return {"speed_vectors": vectors, "windowed": surrounded(vectors, meta["m"])}


def diffusion_form(infer: Meta, train: Meta | None = None) -> DiffusionConfig:
    return DiffusionConfig(
        prediction=infer["prediction_type"],
        zero_snr=infer["rescale_betas_zero_snr"],
        train_betas=(train or infer)["beta_schedule"],
        betas=infer["beta_schedule"],
        spacing=infer["timestep_spacing"],
    )


def schedules(meta: Meta, tensors: Tensors) -> Tensors:
    form = diffusion_form(meta["inference_kwargs"], meta["train_kwargs"])
    training, times = scheduler(form), tensors["t"]
    x0, noise, pred = tensors["x0"], tensors["noise"], tensors["pred"]
    velocity = target_of(form, training, x0, noise, times)
    ratio = signal_to_noise(training.alphas_cumprod, times)
    weight = min_snr_weight(ratio, 5.0, form.prediction)
    counts = [key.split("_")[1] for key in tensors if key.startswith("timesteps_")]
    return {f"timesteps_{n}": scheduler(form, int(n)).timesteps for n in counts} | {
        "inference_alphas_cumprod": scheduler(form, 1).alphas_cumprod,
        "train_alphas_cumprod": training.alphas_cumprod,
        "noisy": noised(x0, noise, training.alphas_cumprod, times),
        "velocity": velocity,
        "snr": ratio,
        "min_snr_weight": weight,
        "loss_stage1": weighted(pred, velocity, weight, collapsed=False),
        "loss_stage2": weighted(pred, velocity, weight, collapsed=True),
    }


PARTS_OF_FACE = (("face", OVAL), ("lip", SCHEMES["mediapipe478"].groups["outer_lips"]))


def prepared(points: Any, size: tuple[int, int], config: Meta, side: int) -> dict[str, Any]:
    """All that is made of a picture's landmarks."""
    sides = [
        hallo.enlarged(hallo.box(points[list(part)]), size, config[f"{name}_expand_ratio"])
        for name, part in PARTS_OF_FACE
    ]
    face, lips = (hallo.filled(s, size, wrap=True) for s in sides)
    masks = hallo.soft(face, lips)
    found = {
        "png.lip_mask": lips,
        "png.face_mask": face,
        "png.face_mask_blur": hallo.softened(face, hallo.FACE_BLUR),
        "png.sep_lip": masks.lip,
        "png.sep_background": masks.full,
        "png.sep_face": masks.face,
        "face_region": hallo.region(face, side),
    }
    for name, levels in zip(PARTS, masks.levels(side // 8), strict=True):
        found |= {f"{name}_{k}": mask for k, mask in enumerate(levels)}
    return found


def masks(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    side, size = config["out_size"], tuple(config["image_wh"])
    picture = tensors["image_u8"].numpy()
    results = {"pixel_values_ref": hallo.pixels(picture, side)}
    cases = [key.partition(".")[0] for key in tensors if key.endswith(".landmarks")]
    for case in cases:
        points = tensors[f"{case}.landmarks"].numpy()
        if points.ndim == 2:
            made = prepared(points, size, config, side)
            results |= {f"{case}.{key}": value for key, value in made.items()}
        else:
            boxes = {}
            for name, part in PARTS_OF_FACE:
                frames = [hallo.enlarged(hallo.box(p[list(part)]), size, 1) for p in points]
                filled = np.stack([hallo.filled(sides, size) for sides in frames])
                boxes[name] = results[f"{case}.{name}_mask"] = hallo.bounding(filled)
            soft = hallo.soft(boxes["face"], boxes["lip"])
            results |= {f"{case}.sep_face": soft.face, f"{case}.sep_lip": soft.lip}
            blurred = hallo.softened(boxes["face"], hallo.FACE_BLUR)
            results[f"{case}.sep_pose"] = 255.0 - blurred
    for number, case in enumerate(meta["expand_region_cases"]):
        size = (case["w"], case["h"])
        meta[f"case{number}"] = case["out"]
        results[f"@case{number}"] = hallo.enlarged(case["region"], size, case["ratio"])
    found = {key: torch.from_numpy(np.asarray(value)) for key, value in results.items()}
    return {key: value for key, value in found.items() if key in tensors or key.startswith("@")}


def chain_form(meta: Meta, frames: int, **reference: Any) -> ModelConfig:
    form = model_form(meta["config"]["net"], frames, **reference)
    given = meta["config"].get("scheduler")
    return replace(form, diffusion=diffusion_form(given)) if given else form


def levels_of(tensors: Tensors) -> list[list[Tensor]]:
    """Masks of one picture for each part and level."""
    return [
        [tensors[f"{part}_mask_{k}"] for k in range(4) if f"{part}_mask_{k}" in tensors]
        for part in PARTS
    ]


@torch.no_grad()
def ddim_loop(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    frames, carried_on = config["frames"], config["n_motion_frames"]
    results: Tensors = {}
    voice = Voice(
        tensors["audio_tokens"][0],
        [[mask.expand(frames, -1) for mask in levels] for levels in levels_of(tensors)],
        config["motion_scale"],
    )
    scene = Scenery(
        tensors["ref_latents"][None],
        voice,
        tensors["face_region"][None],
        tensors["face_emb"][None],
        first=True,
    )
    for precision, ending in (("fp16", ""), ("run", "_bank_fp32")):
        model = network(meta, chain_form(meta, frames, carried=carried_on, precision=precision))
        predict = Denoiser(model.backbone, guides(model, scene, True), config["guidance_scale"])
        steps = scheduler(model.config.diffusion, config["steps"])
        seen = []

        def noted(*given: Any, predict: Denoiser = predict, seen: list[Tensor] = seen) -> Tensor:
            seen.append(predict(*given))
            return seen[-1]

        after = [*denoising.denoise(noted, tensors["noise"], steps)]
        if ending:
            results["latents_final_bank_fp32"] = after[-1]
            results["guided_pred_first_bank_fp32"] = seen[0]
        else:
            results |= {"guided_pred": torch.stack(seen), "latents_after": torch.stack(after)}
            results["latents_before"] = torch.stack([tensors["noise"], *after[:-1]])
            results["timesteps"] = steps.timesteps
    tight = float(meta["suggested_tolerance"].split("atol ")[1].split(";")[0])
    rough = 4 * meta["numeric"]["final_latents_fp16_vs_fp32_bank_maxabs"]
    return {k: v if k == "timesteps" else chained(k, v, tight, rough) for k, v in results.items()}


def chained(key: str, value: Tensor, tight: float, rough: float) -> Within:
    """A result with the tolerance that its file describes for it."""
    return Within(value, tight if key.endswith("_bank_fp32") else rough)


@torch.no_grad()
def clip_chain(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    frames = config["clip_length"]
    points, picture = tensors["landmarks"].numpy(), tensors["image_u8"].numpy()
    size, side = picture.shape[1::-1], tensors["pixel_values_ref"].shape[-1]
    ratios = {"face_expand_ratio": config["face_expand_ratio"], "lip_expand_ratio": 2.0}
    made = prepared(points, size, ratios, side)
    results = {
        "pixel_values_ref": torch.from_numpy(hallo.pixels(picture, side)),
        "face_region": torch.from_numpy(made["face_region"]),
    }
    for part in PARTS:
        for k in range(4):
            results[f"{part}_mask_{k}"] = torch.from_numpy(made[f"{part}_{k}"])
    windows = heard(meta, tensors, frames)
    shape = json.loads((Path(meta["folder"]) / "vae_tiny.json").read_text())["config"]
    autoencoder = vae_of(shape, stored(meta, "vae_tiny"))
    sitter = Sitter(
        results["pixel_values_ref"], results["face_region"], levels_of(results), tensors["face_emb"]
    )
    sampling = SamplingConfig(steps=config["steps"], guidance=config["guidance_scale"])
    controls = ControlsConfig(
        **dict(zip(("pose", "face", "lips"), config["motion_scale"], strict=True))
    )
    for precision, ending in (("fp16", ""), ("run", "_bank_fp32")):
        form = chain_form(meta, frames, carried=config["n_motion_frames"], precision=precision)
        form = replace(form, resolution=side)
        animator = Watched(network(meta, form), autoencoder)
        generator = torch.Generator().manual_seed(config["noise_seed"])
        clips = animator.latents(sitter, windows.split(frames), controls, sampling, generator)
        pictures = []
        for number, latents in enumerate(clips):
            results[f"clip{number}.final_latents{ending}"] = latents.transpose(0, 1)[None]
            pictures.append(animator.decode(latents))
        if not ending:
            results |= animator.seen
            whole = torch.cat(pictures)[: config["frames_kept"]] / 2 + 0.5
            results["video"] = whole.transpose(0, 1)
    tight = float(meta["suggested_tolerance"].split("atol ")[1].split(";")[0])
    rough = 4 * meta["numeric"]["video_fp16_vs_fp32_bank_maxabs"]
    latents = rough * 4  # which are an order wider than the video
    return {
        key: chained(key, value, tight, rough if key == "video" else latents)
        for key, value in results.items()
        if key in tensors
    }


class Watched(EmoAnimator):
    """Notes what its clips are made from."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: Tensors = {}
        self.clip = -1

    def scene(self, portrait: Sitter, *given: Any) -> Scenery:
        self.clip += 1
        count, past = self.form.carried, given[1]
        copies = portrait.pixels[None].expand(count, -1, -1, -1)
        self.seen[f"clip{self.clip}.motion_pixels"] = copies if past is None else past
        return super().scene(portrait, *given)

    def draw(self, scene: Scenery, noise: Tensor, sampling: SamplingConfig) -> Tensor:
        key = f"clip{self.clip}."
        self.seen |= {
            f"{key}noise": noise,
            f"{key}ref_latents": scene.pictures[0],
            f"{key}audio_tokens": scene.voice.tokens[None],
        }
        return super().draw(scene, noise, sampling)


def heard(meta: Meta, tensors: Tensors, frames: int) -> Tensor:
    """Windows of features of the file's sound, filled up to whole clips."""
    folder = Path(meta["folder"])
    encoder = json.loads((folder / "wav2vec_features.json").read_text())
    given = load_file(folder / "wav2vec_features.safetensors") | {"pcm": tensors["pcm"]}
    encoder["config"]["clip_length"] = frames
    wave = tensors["pcm"].float() / 32768
    scaled = (wave - wave.mean()) / (wave.var(correction=0) + 1e-7).sqrt()
    return hallo_features(encoder, given | {"input_values": scaled})["windowed"]


RUNNERS = {
    "emo/ddim_loop": ddim_loop,
    "emo/clip_chain": clip_chain,
    "emo/masks": masks,
    "emo/emo_speed": emo_speed,
    "emo/scheduler": schedules,
    "emo/unet_cfg": unet,
    "emo/audio_proj": audio_projection,
    "emo/image_proj": image_projection,
    "emo/face_locator": face_locator,
    "emo/motion_module": motion,
    "emo/audio_block": audio_block,
}
