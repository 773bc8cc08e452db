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
from lipkit.metrics import frechet
from lipkit.models.parts import videomae
from lipkit.models.parts.foreign import Checkpoint
from lipkit.models.parts.lpips import Lpips
from lipkit.models.parts.videomae import VideoMae, VideoMaeForm
from lipkit.models.parts.wav2lip_syncnet import Wav2LipSyncNet

from .audio import weights
from .hashing import hashed

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


@torch.no_grad()
def wav2lip_syncnet(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    network = Wav2LipSyncNet(config["act_fn"]).eval()
    names = network.state_dict().items()
    network.load_state_dict({name: hashed(config["hash_salt"], name, t) for name, t in names})
    vision, audio = network(tensors["in.visual"] / 127.5 - 1, tensors["in.mel"])
    cosine = functional.cosine_similarity(vision, audio)
    return {"out.vision": vision, "out.audio": audio, "out.cosine": cosine}


def fvd_math(meta: Meta, tensors: Tensors) -> Tensors:
    sets = (frechet.Gaussian.of(tensors[f"in.{name}"].numpy()) for name in ("fake", "real"))
    return {"out.fvd": torch.tensor(frechet.frechet(*sets), dtype=torch.float64)}


RUNNERS = {
    "wav2lip_syncnet": wav2lip_syncnet,
    "fvd_math": fvd_math,
    "sync_loss": sync_loss,
    "lpips_half": lpips_half,
    "trepa_loss": trepa_loss,
}
