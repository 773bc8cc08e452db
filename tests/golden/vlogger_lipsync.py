"""Runners of the files about Wav2Lip and MuseTalk."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.losses.agreement import disagreement
from lipkit.models.musetalk import blending, boxes, parsing, pixels
from lipkit.models.musetalk.config import UNetConfig
from lipkit.models.musetalk.network import FaceUNet, placed, table
from lipkit.models.wav2lip.batches import batches, smoothed
from lipkit.models.wav2lip.discriminator import Discriminator
from lipkit.models.wav2lip.generator import Generator
from lipkit.models.wav2lip.syncnet import Expert

from .audio import weights
from .fixtures import Within
from .latentsync_networks import vae_of

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
HALF = 2.0**-11  # what storing a number in 16 bits may change of it


def filled(network: nn.Module, tensors: Tensors) -> nn.Module:
    """A network with the official weights of a file."""
    network.load_state_dict(weights(tensors, "w."))
    return network.eval()


@torch.inference_mode()
def generator(meta: Meta, tensors: Tensors) -> dict[str, Any]:
    network = filled(Generator(16 // meta["channel_divisor"]), tensors)
    results: dict[str, Any] = {
        "out.image": network(tensors["in.mel"], tensors["in.face6"]),
        "out.audio_embedding": network.audio_encoder(tensors["in.mel"]),
    }
    for k, seen in enumerate(network.look(tensors["in.face6"])):
        results[f"out.enc_mean.{k}"] = seen.mean((2, 3))
    made = network(tensors["in.mel_seq"], tensors["in.face6_seq"])
    stored = HALF * (tensors["out.image_seq"].dtype == torch.float16)
    return results | {"out.image_seq": Within(made, meta["atol"], meta["rtol"] + stored)}


@torch.inference_mode()
def expert(meta: Meta, tensors: Tensors) -> Tensors:
    network = filled(Expert(32 // meta["channel_divisor"]), tensors)
    lips, sound = network(tensors["in.face15"], tensors["in.mel"])
    return {
        "out.face": lips,
        "out.audio": sound,
        "out.cosine": torch.cosine_similarity(lips, sound),
        "out.bce": disagreement(lips, sound, tensors["in.y"]).mean(),
    }


@torch.inference_mode()
def discriminator(meta: Meta, tensors: Tensors) -> Tensors:
    network = filled(Discriminator(32 // meta["channel_divisor"]), tensors)
    return {"out.prob": network(tensors["in.faces"])}


def prepared(meta: Meta, tensors: Tensors) -> Tensors:
    y0, y1, x0, x1 = meta["box"]
    frames = tensors["in.frames"].numpy()
    sizes = tensors["out.batch_sizes"].tolist()
    mels = np.zeros((sum(sizes), 80, 16), np.float32)
    boxes = np.tile([x0, y0, x1, y1], (len(frames), 1))
    made = list(batches(frames, boxes, mels, max(sizes)))
    first = tensors["out.img_batch0_nhwc"]
    return {
        "out.smoothed": torch.from_numpy(smoothed(tensors["in.boxes"].numpy())),
        "out.img_batch0_nhwc": torch.from_numpy(made[0][0][: len(first)]),
        "out.batch_sizes": torch.tensor([len(faces) for faces, _ in made]),
        "out.mel_batch_shape": torch.tensor(made[0][1].shape),
    }


def muse_form(official: Meta) -> UNetConfig:
    """Our settings for the official ones."""
    kinds = official["down_block_types"]
    return UNetConfig(
        in_channels=official["in_channels"],
        out_channels=official["out_channels"],
        widths=tuple(official["block_out_channels"]),
        layers=official["layers_per_block"],
        attention=tuple(i for i, kind in enumerate(kinds) if kind.startswith("CrossAttn")),
        heads=official["attention_head_dim"],
        context=official["cross_attention_dim"],
        groups=official["norm_num_groups"],
    )


@torch.inference_mode()
def muse_unet(meta: Meta, tensors: Tensors) -> Tensors:
    network = FaceUNet(muse_form(meta["config"])).eval()
    network.load_state_dict(weights(tensors, "w."))
    latents, audio = tensors["in.latent8"], tensors["in.audio"]
    places, width = tensors["out.pe384_first50"].shape
    return {
        "out.audio_with_pe": placed(audio),
        "out.latent4": network(latents, placed(audio)),
        "out.latent4_without_pe": network(latents, audio),
        "out.pe384_first50": table(width)[:places],
    }


@torch.inference_mode()
def muse_vae(meta: Meta, tensors: Tensors) -> Tensors:
    autoencoder = vae_of(meta["config"], weights(tensors, "w."))
    faces = pixels.unit(tensors["in.face_bgr_u8"].flip(-1)[None])
    generator = torch.Generator().manual_seed(meta["torch_seed_before_sampling"])
    half, whole = pixels.both(autoencoder, faces).chunk(2, 1)
    first, second = (torch.randn(half.shape, generator=generator) for _ in range(2))
    latents = tensors["in.latents"]
    made = pixels.eight_bit(pixels.drawn(autoencoder, latents, len(latents)))
    return {
        "out.masked_pixels": pixels.halved(faces),
        "out.full_pixels": faces,
        "out.masked_latent_mode": half,
        "out.ref_latent_mode": whole,
        "out.latent8_sampled": pixels.both(autoencoder, faces, (first, second)),
        "out.decoded_bgr_u8": made.flip(-1),
    }


def face_masks(meta: Meta, tensors: Tensors) -> Tensors:
    labels = tensors["in.labels"].numpy()
    results = {
        "out.dilate_kernel": parsing.dilation(),
        "out.cheek_kernel": parsing.erosion(),
    }
    for k, cheeks in enumerate(meta["cheek_widths"]):
        results[f"out.cheek_mask.{k}"] = parsing.beside(labels.shape, tuple(cheeks)).copy()
        for mode in ("raw", "neck", "jaw"):
            results[f"out.{mode}.{k}"] = parsing.parsed(labels, mode, tuple(cheeks))
    return {key: torch.from_numpy(value) for key, value in results.items() if key in tensors}


def blends(meta: Meta, tensors: Tensors) -> Tensors:
    picture, face = tensors["in.image_bgr"].numpy(), tensors["in.face_bgr"].numpy()
    box = tuple(tensors["in.box"].tolist())
    parsed = tensors["in.parsing_mask512"].numpy()
    results = {}
    for case in meta["cases"]:
        key, upper = case["case"], case["upper_boundary_ratio"]
        square = blending.square_around(box, case["expand"])
        side = np.array([*square, (square[2] - square[0]) // 2])
        results[f"out.crop_box.{key}"] = side
        for name, blur in (
            ("get_image", blending.BLUR),
            ("get_image_blending", blending.BLUR_PREPARED),
        ):
            mask = blending.prepared(parsed, box, square, upper, blur)
            results[f"out.{name}.{key}"] = blending.blended(picture, face, box, mask, square)
        results[f"out.prepared_mask.{key}"] = mask
    return {key: torch.from_numpy(value) for key, value in results.items()}


def boxes_of(meta: Meta, tensors: Tensors) -> Tensors:
    keypoints, detections = tensors["in.keypoints133"].numpy(), tensors["in.detections"].numpy()
    found = {s: boxes.official(keypoints, detections, s) for s in meta["shifts"]}
    return {f"out.boxes_shift{s}": torch.from_numpy(box) for s, box in found.items()}


RUNNERS = {
    "w2l_generator_narrow": generator,
    "w2l_syncnet_narrow": expert,
    "w2l_disc_narrow": discriminator,
    "w2l_boxes_batches": prepared,
    "mt_unet": muse_unet,
    "mt_vae_io": muse_vae,
    "mt_face_parsing": face_masks,
    "mt_blend": blends,
    "mt_bbox": boxes_of,
}
