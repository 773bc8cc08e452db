"""Networks where and as they are to run: device, number type, memory layout."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def place(
    networks: Iterable[nn.Module],
    device: torch.device,
    kind: str,
    *,
    best: str = "fp16",
    layout: torch.memory_format = torch.preserve_format,
) -> None:
    """Move ``networks`` to ``device`` in the number type ``kind``, to be run and not trained.

    ``auto`` is ``best`` on a CUDA device and fp32 elsewhere.
    """
    if kind == "auto":
        kind = best if device.type == "cuda" else "fp32"
    for network in networks:
        # diffusers' own `to` warns of every change of type.
        nn.Module.to(network, device, TYPES[kind], memory_format=layout)
        network.eval().requires_grad_(False)
