"""Runners of LatentSync's files about its SyncNets: weights of any size, made from names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lipkit.metrics import offsets
from lipkit.models.latentsync import syncnet as stable
from lipkit.models.parts import syncnet
from lipkit.models.parts.foreign import Checkpoint

from .hashing import hashed

Meta = dict[str, Any]
Tensors = dict[str, Tensor]


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
