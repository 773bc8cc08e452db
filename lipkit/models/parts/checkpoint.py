"""Weights files and modules: strict both ways, with the config beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from lipkit.errors import WeightsError
from lipkit.models.parts import weights

NAMED = 5  # names that an error lists


def save(
    module: nn.Module,
    path: Path,
    *,
    name: str,
    config: Mapping[str, Any],
    origin: Mapping[str, Any],
) -> str:
    """Write a module's weights, atomically; returns their digest."""
    return weights.store(module.state_dict(), path, name=name, config=config, origin=origin)


def hollow() -> torch.device:
    """A context in which modules are built without numbers, to be loaded into."""
    return torch.device("meta")


def load(module: nn.Module, path: Path, part: str = "") -> None:
    """Fill a module from a weights file, in the module's own number type.

    ``part`` is how the names of its tensors begin in a file that holds more. A module on the meta
    device takes the file's tensors for its own, which saves making others. Raises WeightsError,
    naming the first five, if names are missing, unknown or of other shapes.
    """
    try:
        tensors = read(path, part)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {error}", hint="the file is damaged") from None
    expected = module.state_dict()
    check(expected, tensors, path)
    empty = any(value.is_meta for value in expected.values())
    single = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    module.load_state_dict(single, assign=empty)


def read(path: Path, part: str) -> dict[str, Tensor]:
    """The tensors of a file whose names begin with ``part``, without it."""
    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(part)]  # noqa: SIM118 -- no dict
        return {name.removeprefix(part): file.get_tensor(name) for name in names}


def check(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Raise WeightsError unless both hold the same names and shapes."""
    faults = {
        "missing": [name for name in expected if name not in found],
        "unknown": [name for name in found if name not in expected],
        "of another shape": [
            f"{name} {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
    }
    told = [f"{what}: {', '.join(names[:NAMED])}" for what, names in faults.items() if names]
    if told:
        raise WeightsError(f"{path}: does not fit the model: {'; '.join(told)}")
