"""Where and how to compute: device, number type, threads; chosen once, handed down."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lipkit import ui
from lipkit.errors import BadUsage

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Runtime:
    """A device, the number type of the networks on it, and the seed of every random number."""

    device: str = "cpu"
    dtype: str = "float32"
    seed: int = 0

    def generator(self) -> torch.Generator:
        """A fresh generator on the CPU, so that results do not depend on the device."""
        import torch

        return torch.Generator("cpu").manual_seed(self.seed)


def choose(device: str = "auto", dtype: str = "auto", seed: int = 0) -> Runtime:
    """The runtime for the user's wishes; a wish that this machine cannot grant is an error."""
    import torch

    found = "cuda" if torch.cuda.is_available() else "cpu"
    if found == "cpu" and torch.backends.mps.is_available():
        found = "mps"
    if device == "auto":
        device = found
        ui.detail(f"device: {device} (the best that this torch build sees)")
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).splitlines()[0]
        raise BadUsage(f"--device {device}: {reason}", hint="--device cpu always works") from None
    if dtype == "auto":
        dtype = "bfloat16" if device.startswith("cuda") else "float32"
    return Runtime(device, dtype, seed)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores(workers: int) -> None:
    """Leave each of ``workers`` processes its part of the cores."""
    import torch

    torch.set_num_threads(max(1, cores() // max(1, workers)))


def threads() -> int:
    """Threads to compute with in this process: its part of the cores, where it is one of many."""
    import torch

    return torch.get_num_threads()
