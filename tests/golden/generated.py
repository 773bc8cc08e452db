"""Weights that a golden file does not hold but describes: a seed, the tensors' names and a rule."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .hashing import uniform


def numbers(seed: int, name: str, count: int) -> np.ndarray:
    """Numbers ``(count,)`` in -1..1 that a seed and a tensor's name mean."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return uniform(int.from_bytes(digest[:8], "little"), count) * 2 - 1


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
