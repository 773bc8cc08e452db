"""Runners of LatentSync's files about its SyncNets: weights of any size, made from names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lipkit.metrics import offsets
from lipkit.models.latentsync import syncnet as stable
from lipkit.models.parts import syncnet
from lipkit.models.parts.foreign import Checkpoint

Meta = dict[str, Any]
Tensors = dict[str, Tensor]
GAMMA = np.uint64(0x9E3779B97F4A7C15)
PIECE = 1 << 22  # numbers made at once
SMALL = {"bias": 0.1, "q_bias": 0.1, "v_bias": 0.1, "in_proj_bias": 0.1, "running_mean": 0.1}


def seed_of(text: str) -> int:
    """64-bit FNV-1a."""
    found = 0xCBF29CE484222325
    for byte in text.encode():
        found = ((found ^ byte) * 0x100000001B3) % (1 << 64)
    return found


def uniform(seed: int, count: int) -> np.ndarray:
    """Numbers ``(count,)`` in 0..1 from the upper bits of splitmix64."""
    found = np.empty(count)
    with np.errstate(over="ignore"):
        for first in range(0, count, PIECE):
            steps = np.arange(first + 1, min(first + PIECE, count) + 1, dtype=np.uint64)
            z = np.uint64(seed) + steps * GAMMA
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z ^= z >> np.uint64(31)
            found[first : first + PIECE] = (z >> np.uint64(40)) / float(1 << 24)
    return found


def hashed(salt: str, name: str, like: Tensor) -> Tensor:
    """The tensor that a file's salt gives an official name and a shape."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.zeros(like.shape, dtype=torch.int64)
    share = uniform(seed_of(f"{salt}/{name}"), like.numel())
    if leaf == "running_var":
        values = 0.5 + share
    elif leaf in SMALL:
        values = SMALL[leaf] * (2 * share - 1)
    elif like.ndim > 1:
        values = (2 * share - 1) * math.sqrt(6 / math.prod(like.shape[1:]))
    else:
        values = 1 + 0.1 * (2 * share - 1)
    return torch.from_numpy(values.astype(np.float32)).reshape(like.shape)


def fill(network: nn.Module, adopt: Any, meta: Meta, tensors: Tensors) -> None:
    """Give a network on the meta device the weights of a file: those in it, or those it means."""
    given = {k.removeprefix("w."): v for k, v in tensors.items() if k.startswith("w.")}
    if salt := meta["config"].get("hash_salt"):
        given = {name: hashed(salt, name, like) for name, like in network.state_dict().items()}
    settings = meta["config"].get("model", {})
    state, _ = adopt(Checkpoint(given, settings, Path(meta["name"])))
    network.load_state_dict(state, assign=True)


@torch.inference_mode()
def stable_syncnet(meta: Meta, tensors: Tensors) -> Tensors:
    config = meta["config"]
    network = stable.build(stable.SyncNetConfig.of(config["model"]))
    fill(network, stable.adopt, meta, tensors)
    results = {}
    for key in config["ids"]:
        frames = tensors[f"in.{key}.frames"]
        if config.get("raw"):
            frames = frames.movedim(-1, -3)[None] / 127.5 - 1
            whole = frames.flatten(1, 2)
            frames = stable.lower_half(frames) if config["lower_half"] else whole
        head = frames[:, :6, :4, :8] if f"mid.{key}.visual_input_head" in tensors else None
        lips, voice = network(frames, tensors[f"in.{key}.mel"])
        results[f"out.{key}.vision"], results[f"out.{key}.audio"] = lips, voice
        results[f"out.{key}.cosine"] = torch.cosine_similarity(lips, voice)
        if head is not None:
            results[f"mid.{key}.visual_input_head"] = head
    return results


@torch.inference_mode()
def syncnet_v2(meta: Meta, tensors: Tensors) -> Tensors:
    network = syncnet.build()
    fill(network, syncnet.adopt, meta, tensors)
    lips = network.lips(tensors["in.lip"].float())[:, 0]
    return {"out.lip": lips, "out.aud": network.voice(tensors["in.mfcc"])}


def confidence(meta: Meta, tensors: Tensors) -> Tensors:
    results = {}
    for case in meta["config"]["cases"]:
        key = case["id"]
        pair = tensors[f"in.{key}.im"].numpy(), tensors[f"in.{key}.cc"].numpy()
        found = offsets.align(*pair, case["vshift"])
        results |= {
            f"out.{key}.mean_dists": torch.from_numpy(found.means),
            f"out.{key}.offset": torch.tensor(found.offset),
            f"out.{key}.min_dist": torch.tensor(found.distance),
            f"out.{key}.conf": torch.tensor(found.confidence),
        }
    return results


RUNNERS = {
    "stable_syncnet_full": stable_syncnet,
    "stable_syncnet_tiny": stable_syncnet,
    "stable_syncnet_tiny_25": stable_syncnet,
    "syncnet_v2_eval": syncnet_v2,
    "sync_conf_math": confidence,
}
