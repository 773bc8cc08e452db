"""Official checkpoints to our own names: pattern tables, and nothing left over on either side."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lipkit.errors import WeightsError


@dataclass(frozen=True)
class Rule:
    r"""Names that match ``pattern`` wholly become ``target`` (``\1`` as in `re.sub`).

    A target of None drops a tensor knowingly: a decoder nobody needs, a table that can be computed.
    """

    pattern: str
    target: str | None
    change: Callable[[Tensor], Tensor] | None = None


def convert(
    tensors: Mapping[str, Tensor],
    rules: Sequence[Rule],
    expected: Mapping[str, Tensor],
    source: str,
) -> dict[str, Tensor]:
    """The tensors under our names; the first rule that matches a name wins.

    Every name must be consumed and every expected parameter filled in its shape, else
    `WeightsError` names the first of each. Works on meta tensors.
    """
    found: dict[str, Tensor] = {}
    unknown, twice = [], []
    for name, tensor in tensors.items():
        rule = next((r for r in rules if re.fullmatch(r.pattern, name)), None)
        if rule is None:
            unknown.append(name)
        elif rule.target is not None:
            own = re.sub(f"^{rule.pattern}$", rule.target, name)
            if own in found:
                twice.append(name)
            found[own] = rule.change(tensor) if rule.change else tensor
    faults = {
        "unknown": unknown + [name for name in found if name not in expected],
        "given twice": twice,
        "missing": [name for name in expected if name not in found],
        "of another shape": [
            f"{name} {shape(found[name])}, expected {shape(tensor)}"
            for name, tensor in expected.items()
            if name in found and found[name].shape != tensor.shape
        ],
    }
    if any(faults.values()):
        parts = [f"{len(names)} {what}: {first(names)}" for what, names in faults.items() if names]
        raise WeightsError(
            f"{source}: these weights do not fit: {'; '.join(parts)}",
            hint="are they of another model, or of another version of it?",
        )
    return found


def renamed(tensors: Mapping[str, Tensor], rules: Sequence[Rule]) -> dict[str, Tensor]:
    """The tensors that the rules know, under their other names."""
    found = {}
    for name, tensor in tensors.items():
        rule = next((r for r in rules if re.fullmatch(r.pattern, name)), None)
        if rule is not None and rule.target is not None:
            found[re.sub(f"^{rule.pattern}$", rule.target, name)] = tensor
    return found


def counted(tensors: Mapping[str, Tensor], expected: Iterable[str]) -> dict[str, Tensor]:
    """The tensors with the batch norms' counters of training, which some files leave out."""
    counters = [name for name in expected if name.endswith(".num_batches_tracked")]
    return {name: torch.zeros((), dtype=torch.long) for name in counters} | dict(tensors)


def first(names: Iterable[str], count: int = 5) -> str:
    """The first few names, and that there are more."""
    every = list(names)
    return ", ".join(every[:count]) + (", ..." if len(every) > count else "")


def shape(tensor: Tensor) -> str:
    """A tensor's shape as people write it."""
    return "x".join(str(size) for size in tensor.shape) or "scalar"
