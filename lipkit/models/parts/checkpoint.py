"""Weights files and modules: strict both ways, with the config beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
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


def load(module: nn.Module, path: Path) -> None:
    """Fill a module from a weights file, in the module's own number type.

    Raises WeightsError, naming the first five, if names are missing, unknown or of other shapes.
    """
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path}: {error}", hint="the file is damaged") from None
    check(module.state_dict(), tensors, path)
    module.load_state_dict({key: value.float() for key, value in tensors.items()})


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
