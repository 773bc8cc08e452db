"""Weights that a golden file does not hold but describes: a seed, the tensors' names and a rule."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

GAMMA = np.uint64(0x9E3779B97F4A7C15)


def numbers(seed: int, name: str, count: int) -> np.ndarray:
    """Numbers ``(count,)`` in -1..1 that a seed and a tensor's name mean: splitmix64."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    state = np.uint64(int.from_bytes(digest[:8], "little"))
    with np.errstate(over="ignore"):
        z = state + np.arange(1, count + 1, dtype=np.uint64) * GAMMA
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)) / float(1 << 24) * 2 - 1


def generated(rule: dict[str, Any], name: str, like: Tensor) -> Tensor:
    """The tensor that a file's rule gives a name and shape."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.zeros(like.shape, dtype=torch.int64)
    values = numbers(rule["SEED"], name, like.numel())
    if leaf == "running_var":
        values = 1 + 0.5 * values
    elif leaf in ("running_mean", "bias"):
        values = 0.1 * values
    elif like.ndim == 1:
        values = 1 + 0.2 * values
    else:
        values = values * math.sqrt(6 / (like.numel() / like.shape[0]))
    values = values * rule.get("extra_scale", {}).get(name, 1.0)
    return torch.from_numpy(values.astype(np.float32)).reshape(like.shape)
