"""Batches in order, made ahead of time by other processes where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lipkit.training.stage import TrainingStage


def seed_step(seed: int, index: int) -> None:
    """Seed torch for batch ``index``: dropout and noise of the step depend on nothing else."""
    torch.manual_seed((seed * 1_000_003 + index) % 2**63)


class _Numbered(Dataset[tuple[Mapping[str, Any], Tensor]]):
    """Batches by number, each with the random state that making it left behind.

    The step goes on from that state, as if it had made the batch itself.
    """

    def __init__(self, stage: TrainingStage, seed: int) -> None:
        self.stage, self.seed = stage, seed

    def __getitem__(self, index: int) -> tuple[Mapping[str, Any], Tensor]:
        seed_step(self.seed, index)
        return self.stage.batch(self.seed, index), torch.get_rng_state()


def feed(
    stage: TrainingStage, seed: int, indices: range, workers: int, device: Any
) -> Iterator[Mapping[str, Any]]:
    """The batches of those numbers on a device, with torch seeded for the step on each."""
    numbered = _Numbered(stage, seed)
    made: Iterable[tuple[Mapping[str, Any], Tensor]]
    if workers:
        made = DataLoader(
            numbered,
            batch_size=None,
            sampler=indices,
            num_workers=workers,
            pin_memory=device.type == "cuda",
        )
    else:
        made = (numbered[index] for index in indices)
    for index, (batch, state) in zip(indices, made, strict=True):
        seed_step(seed, index)  # for the accelerator's generators
        torch.set_rng_state(state)
        yield {
            name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
            for name, value in batch.items()
        }
