"""The state of an unfinished training stage: safetensors only, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.training.turns import Turn


def path_of(run: Path, stage: str) -> Path:
    """Where the newest state of a stage lies in a run directory."""
    return run / f"{stage}.state.safetensors"


def older(run: Path, stage: str) -> list[Path]:
    """The states before the newest one, in order."""
    return sorted(run.glob(f"{stage}.[0-9]*.state.safetensors"))


def newest(run: Path, stage: str) -> Path | None:
    """The state to go on from, if there is any."""
    path = path_of(run, stage)
    if path.is_file():
        return path
    return next(reversed(older(run, stage)), None)


def save(
    run: Path, turns: Sequence[Turn], step: int, seed: int, keep: int, extra: Mapping[str, Any]
) -> None:
    """Write weights, averages, buffers and optimizers after ``step`` updates, atomically.

    ``extra`` is JSON that comes back when the state is restored. Of older states, all but
    ``keep - 1`` are removed.
    """
    stage = turns[0].name
    tensors = {name: tensor for k, turn in enumerate(turns) for name, tensor in _named(turn, k)}
    packed = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    header = {"step": step, "seed": seed, "extra": dict(extra)}
    path = path_of(run, stage)
    partial = path.with_suffix(".partial")
    save_file(packed, partial, metadata={"lipkit": json.dumps(header)})
    if keep > 1 and path.is_file():
        before = _read_header(path)["step"]
        if before != step:
            path.rename(run / f"{stage}.{before:08d}.state.safetensors")
    partial.rename(path)
    for old in older(run, stage)[: -(keep - 1) or None]:
        old.unlink()


def restore(path: Path, turns: Sequence[Turn], seed: int) -> tuple[int, dict[str, Any]]:
    """Put a saved state back; returns the number of updates made, and ``extra``.

    Raises WeightsError if the file is damaged, of another model, or of a run with another seed.
    """
    header = _read_header(path)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _broken(path, error) from None
    if header.get("seed") != seed:
        raise WeightsError(
            f"{path}: made with seed {header.get('seed')}, not {seed}", hint="give the same --seed"
        )
    for k, turn in enumerate(turns):
        _fill(path, tensors, turn, _prefix(k))
    return int(header["step"]), dict(header.get("extra", {}))


def _read_header(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, "pt") as file:
            header: dict[str, Any] = json.loads((file.metadata() or {}).get("lipkit", "{}"))
            int(header["step"])
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise _broken(path, error) from None
    return header


def _broken(path: Path, error: Exception) -> WeightsError:
    hint = "delete it to go on from the state before, or to start anew"
    return WeightsError(f"{path}: no training state: {error}", hint=hint)


def _prefix(turn: int) -> str:
    """What the names of a turn's tensors begin with; the model's own begin with nothing."""
    return f"rival.{turn}." if turn else ""


def _named(turn: Turn, number: int) -> Iterator[tuple[str, Tensor]]:
    prefix = _prefix(number)
    for i, parameter in enumerate(turn.parameters):
        yield f"{prefix}weight.{i}", parameter
        yield f"{prefix}average.{i}", turn.average.shadow[i]
        for slot, value in turn.optimizer.optimizer.state.get(parameter, {}).items():
            yield f"{prefix}{slot}.{i}", value
    for name, buffer in turn.module.named_buffers():
        yield f"{prefix}buffer.{name}", buffer


@torch.no_grad()
def _fill(path: Path, tensors: Mapping[str, Tensor], turn: Turn, prefix: str) -> None:
    """Weights, averages, buffers and the optimizer's memory, from their names."""
    for i, parameter in enumerate(turn.parameters):
        found = tensors.get(f"{prefix}weight.{i}")
        if found is None or found.shape != parameter.shape:
            raise WeightsError(f"{path}: belongs to another model", hint="name another run")
        parameter.copy_(found)
        turn.average.shadow[i].copy_(tensors[f"{prefix}average.{i}"])
    for name, buffer in turn.module.named_buffers():
        if (found := tensors.get(f"{prefix}buffer.{name}")) is not None:
            buffer.copy_(found)
    memory = turn.optimizer.optimizer.state
    for name, value in tensors.items():
        slot, _, index = name.removeprefix(prefix).rpartition(".")
        kept = name.startswith(prefix) and index.isdigit() and "." not in slot
        if kept and slot not in ("weight", "average", "buffer"):
            parameter = turn.parameters[int(index)]
            # AdamW counts its steps on the CPU
            place = value.device if slot == "step" else parameter.device
            memory[parameter][slot] = value.to(place)
