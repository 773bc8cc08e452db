"""Runners of the files about LatentSync's losses and SyncNets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from lipkit.losses.agreement import disagreement
from lipkit.losses.perception import lower_half_distance
from lipkit.losses.tempo import seen, tempo_distance
from lipkit.metrics import frechet, offsets
from lipkit.models.latentsync.syncnet import StableSyncNet, SyncNetConfig, lower_half
from lipkit.models.parts import videomae
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.lpips import Lpips
from lipkit.models.parts.syncnet import SyncNet
from lipkit.models.parts.videomae import VideoMae, VideoMaeForm
from lipkit.models.parts.wav2lip_syncnet import Wav2LipSyncNet

from .audio import weights
from .hashing import fill, hashed

Meta = dict[str, Any]
Tensors = dict[str, Tensor]

HEADS = Path(__file__).parent / "latentsync" / "lpips_vgg_heads.safetensors"
SLICES = (0, 4, 9, 16, 23)  # where lpips cuts VGG16's layers into slices


def sync_loss(meta: Meta, tensors: Tensors) -> Tensors:
    lips, sound = (tensors[f"in.{name}"].requires_grad_() for name in ("vision", "audio"))
    each = disagreement(lips, sound, tensors["in.y"])
    each.mean().backward()
    edge = (tensors[f"in.edge_{name}"] for name in ("vision", "audio", "y"))
    return {
        "out.per_sample": each,
        "out.mean": each.mean(),
        "out.grad_vision": lips.grad,
        "out.grad_audio": sound.grad,
        "out.edge_per_sample": disagreement(*edge),
    }


def lpips_of(salt: str) -> Lpips:
    """LPIPS with a trunk by rule and the authors' own heads."""
    network = Lpips("vgg")
    for name, tensor in network.features.named_parameters():
        layer = int(name.split(".")[0])
        part = sum(layer >= first for first in SLICES)
        tensor.data = hashed(salt, f"slice{part}.{name}", tensor)
    network.heads.load_state_dict(load_file(HEADS))
    return network.eval().requires_grad_(False)


def lpips_half(meta: Meta, tensors: Tensors) -> Tensors:
    network = lpips_of(meta["config"]["hash_salt"])
    made = tensors["in.pred"].requires_grad_()
    each = lower_half_distance(network, made, tensors["in.gt"] / 127.5 - 1)
    each.mean().backward()
    return {"out.per_frame": each, "out.mean": each.mean(), "out.grad_pred": made.grad}


def videomae_of(official: Meta, tensors: Tensors) -> VideoMae:
    """The video network with official weights."""
    given = Checkpoint(tensors, {}, Path("golden"))
    state, form = videomae.adopt(given, heads=official["num_heads"])
    assert form["layers"] == official["depth"]
    network = VideoMae(VideoMaeForm(**form)).eval().requires_grad_(False)
    network.load_state_dict(state)
    return network


def trepa_loss(meta: Meta, tensors: Tensors) -> Tensors:
    network = videomae_of(meta["config"]["videomae"], weights(tensors, "w.videomae."))
    real, made = tensors["in.real"] / 127.5 - 1, tensors["in.fake"].requires_grad_()
    loss = tempo_distance(network, made, real)
    loss.backward()
    feature = network(seen(real))
    return {"out.loss": loss, "out.grad_fake": made.grad, "mid.feature_real": feature}


def looked_at(frames: Tensor, form: SyncNetConfig, config: Meta) -> Tensor:
    """What the visual encoder sees of pictures as bytes, or of what is stacked already."""
    if frames.dtype != torch.uint8:
        rows = frames.shape[-2] == config.get("resolution") and config.get("lower_half")
        return frames[..., frames.shape[-2] // 2 :, :] if rows else frames
    clips = (frames / 255 - 0.5).movedim(-1, -3) / 0.5
    if clips.dim() == 4:
        clips = clips.unflatten(0, (-1, form.frames))
    return lower_half(clips) if config["lower_half"] else clips.flatten(1, 2)


@torch.no_grad()
def stable_syncnet(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    network = StableSyncNet(SyncNetConfig.of(config["model"])).eval()
    if "hash_salt" in config:
        fill(network, config["hash_salt"])
    else:
        network.load_state_dict(weights(tensors, "w."))
    results: Tensors = {}
    for key in config["ids"]:
        given = weights(tensors, f"in.{key}.")
        mel = given.pop("mel")
        (frames,) = given.values()
        vision, audio = network(looked_at(frames, network.config, config), mel)
        results[f"out.{key}.vision"], results[f"out.{key}.audio"] = vision, audio
        results[f"out.{key}.cosine"] = functional.cosine_similarity(vision, audio)
    return results


@torch.no_grad()
def wav2lip_syncnet(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    network = fill(Wav2LipSyncNet(config["act_fn"]), config["hash_salt"])
    vision, audio = network(tensors["in.visual"] / 127.5 - 1, tensors["in.mel"])
    cosine = functional.cosine_similarity(vision, audio)
    return {"out.vision": vision, "out.audio": audio, "out.cosine": cosine}


@torch.no_grad()
def syncnet_v2(meta: Meta, tensors: Tensors) -> Tensors:
    network = fill(SyncNet(), meta["config"]["hash_salt"])
    lips = network.lips(tensors["in.lip"].float())[:, 0]
    return {"out.lip": lips, "out.aud": network.voice(tensors["in.mfcc"])}


def sync_conf(meta: Meta, tensors: Tensors) -> Tensors:
    results: Tensors = {}
    for case in meta["config"]["cases"]:
        key = f"{case['id']}."
        pair = (tensors[f"in.{key}{name}"].numpy() for name in ("im", "cc"))
        found = offsets.align(*pair, case["vshift"])
        results[f"out.{key}mean_dists"] = torch.from_numpy(found.means)
        results[f"out.{key}offset"] = torch.tensor(found.offset)
        results[f"out.{key}min_dist"] = torch.tensor(found.distance)
        results[f"out.{key}conf"] = torch.tensor(found.confidence)
    return results


def fvd_math(meta: Meta, tensors: Tensors) -> Tensors:
    sets = (frechet.Gaussian.of(tensors[f"in.{name}"].numpy()) for name in ("fake", "real"))
    return {"out.fvd": torch.tensor(frechet.frechet(*sets), dtype=torch.float64)}


RUNNERS = {
    "stable_syncnet_tiny": stable_syncnet,
    "stable_syncnet_tiny_25": stable_syncnet,
    "stable_syncnet_full": stable_syncnet,
    "wav2lip_syncnet": wav2lip_syncnet,
    "syncnet_v2_eval": syncnet_v2,
    "sync_conf_math": sync_conf,
    "fvd_math": fvd_math,
    "sync_loss": sync_loss,
    "lpips_half": lpips_half,
    "trepa_loss": trepa_loss,
}
