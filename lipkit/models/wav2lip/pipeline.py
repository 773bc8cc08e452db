"""Crops and windows of mel in, crops with other lips out, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from lipkit.errors import WeightsError
from lipkit.models.wav2lip.generator import Generator, beheaded
from lipkit.protocols import Features

COLUMNS, BANDS = 16, 80  # of a window


class Wav2LipSyncer:
    """A `Syncer`: faces in BGR and 0..1 inside, as the weights know them."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    @torch.inference_mode()
    def sync(
        self, crops: Iterable[Tensor], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[Tensor]:
        """Crops ``(f, 3, 96, 96)`` in -1..1 as many as came in; ``audio.data (n, 16, 80)``."""
        if audio.data.shape[1:] != (COLUMNS, BANDS):
            raise WeightsError(
                f"windows of {audio.encoder} are {audio.data.shape[1:]}, "
                f"the model hears {COLUMNS} columns of {BANDS} bands"
            )
        weight = self.generator.output_block[1].weight
        mels = torch.from_numpy(audio.data).transpose(1, 2)[:, None].to(weight)
        first = 0
        for faces in crops:
            heard = mels[first : first + len(faces)]
            seen = beheaded(faces.flip(1).to(weight) / 2 + 0.5)
            yield self.generator(heard, seen).flip(1) * 2 - 1
            first += len(faces)
