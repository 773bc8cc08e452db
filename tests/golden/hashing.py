"""Weights by rule for networks too large to store (README of the latentsync files)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
PIECE = 1 << 22  # numbers made at once
CENTRED = ("running_mean", "bias", "q_bias", "v_bias", "in_proj_bias")


def fnv1a(text: str) -> int:
    """64-bit FNV-1a of the text's UTF-8 bytes."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def uniform(seed: int, count: int) -> np.ndarray:
    """Numbers ``(count,)`` in 0..1: the top 24 bits of splitmix64."""
    found = np.empty(count)
    with np.errstate(over="ignore"):
        for first in range(0, count, PIECE):
            steps = np.arange(first + 1, min(first + PIECE, count) + 1, dtype=np.uint64)
            state = np.uint64(seed) + steps * GOLDEN
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
            found[first : first + PIECE] = (state >> np.uint64(40)) / 2.0**24
    return found


def hashed(salt: str, name: str, like: Tensor) -> Tensor:
    """The tensor that the rule gives for an official ``name``, in the shape of ``like``."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.zeros(like.shape, dtype=torch.int64)
    u = uniform(fnv1a(f"{salt}/{name}"), like.numel())
    if leaf == "running_var":
        values = 0.5 + u
    elif leaf in CENTRED:
        values = 0.1 * (2 * u - 1)
    elif like.dim() >= 2:
        values = (2 * u - 1) * math.sqrt(6 / math.prod(like.shape[1:]))
    else:
        values = 1 + 0.1 * (2 * u - 1)
    return torch.from_numpy(values.astype(np.float32)).reshape(like.shape)
