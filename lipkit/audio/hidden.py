"""What all layers of a transformer say: hidden states taken by hooks, and which of them to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from torch import Tensor, nn


def chosen(text: str, every: tuple[int, ...]) -> tuple[int, ...]:
    """The layers that ``all``, ``last`` or ``4,8,12`` means; ``every`` is what ``all`` stands for.

    Layer 0 is what enters the first block, layer n what leaves the n-th.
    """
    if text == "all":
        return every
    if text == "last":
        return every[-1:]
    try:
        layers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise BadUsage(f"--layers {text}", hint="use all, last, or numbers like 4,8,12") from None
    wrong = [layer for layer in layers if not 0 <= layer <= every[-1]]
    if wrong:
        raise BadUsage(f"--layers {text}: no layer {wrong[0]}", hint=f"there are 0 to {every[-1]}")
    return layers


@contextmanager
def tapped(blocks: nn.ModuleList) -> Iterator[list[Tensor]]:
    """A list that fills with what enters the first and what leaves every block.

    Hooks, because the libraries' own hidden states differ between versions and put the final norm
    on the last one, while LatentSync's and Hallo's audio layers were trained without it.
    """
    states: list[Tensor] = []

    def entering(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        states.append(args[0] if args else kwargs["hidden_states"])

    def leaving(_: nn.Module, __: Any, output: Any) -> None:
        states.append(output[0] if isinstance(output, tuple) else output)

    hooks = [blocks[0].register_forward_pre_hook(entering, with_kwargs=True)]
    hooks += [block.register_forward_hook(leaving) for block in blocks]
    try:
        yield states
    finally:
        for hook in hooks:
            hook.remove()


def stacked(
    blocks: nn.ModuleList, run: Callable[[], Any], layers: tuple[int, ...]
) -> tuple[Tensor, Any]:
    """The wanted hidden states ``(b, t, l, d)`` of one run, and what the run returned."""
    with tapped(blocks) as states:
        result = run()
    return torch.stack([states[layer] for layer in layers], dim=2), result
