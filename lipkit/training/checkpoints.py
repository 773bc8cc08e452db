"""The state of an unfinished training stage: safetensors only, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim import Optimizer

from lipkit.errors import WeightsError
from lipkit.training.ema import Average

SLOTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW remembers of a parameter


def path_of(run: Path, stage: str) -> Path:
    """Where the state of a stage lies in a run directory."""
    return run / f"{stage}.state.safetensors"


def save(path: Path, step: int, seed: int, average: Average, optimizer: Optimizer) -> None:
    """Write weights, averages and optimizer state after ``step`` updates, atomically."""
    tensors: dict[str, Tensor] = {}
    for i, parameter in enumerate(average.parameters):
        tensors[f"weight.{i}"] = parameter.detach()
        tensors[f"average.{i}"] = average.shadow[i]
        for slot, value in optimizer.state.get(parameter, {}).items():
            tensors[f"{slot}.{i}"] = value
    partial = path.with_suffix(".partial")
    packed = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    save_file(packed, partial, metadata={"lipkit": json.dumps({"step": step, "seed": seed})})
    partial.rename(path)


def restore(path: Path, seed: int, average: Average, optimizer: Optimizer) -> int:
    """Put a saved state back; returns the number of updates made.

    Raises WeightsError if the file is damaged, of another model, or of a run with another seed.
    """
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get("lipkit", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"{path}: no training state: {error}", hint="start anew") from None
    if header.get("seed") != seed:
        raise WeightsError(
            f"{path}: made with seed {header.get('seed')}, not {seed}", hint="give the same --seed"
        )
    _check(path, tensors, average.parameters)
    with torch.no_grad():
        for i, parameter in enumerate(average.parameters):
            parameter.copy_(tensors[f"weight.{i}"])
            average.shadow[i].copy_(tensors[f"average.{i}"])
            slots = {slot: tensors[f"{slot}.{i}"] for slot in SLOTS if f"{slot}.{i}" in tensors}
            if slots:
                optimizer.state[parameter] = {
                    name: value if name == "step" else value.to(parameter.device)
                    for name, value in slots.items()
                }
    return int(header["step"])


def _check(path: Path, tensors: dict[str, Tensor], parameters: Sequence[Tensor]) -> None:
    for i, parameter in enumerate(parameters):
        found = tensors.get(f"weight.{i}")
        if found is None or found.shape != parameter.shape:
            raise WeightsError(f"{path}: belongs to another model", hint="name another run")
