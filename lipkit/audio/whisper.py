"""Whisper's encoder as an audio front end: five layers of 50 steps a second, as LatentSync hears.

Radford et al. 2022, arXiv:2212.04356. The log-mel is taken of the whole sound at once, and layers
are the blocks' own outputs, without the final norm (LatentSync, `whisper/audio2feature.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lipkit.audio.hidden import chosen, stacked
from lipkit.audio.mel import WHISPER, compressed, spectra
from lipkit.audio.streams import blocks, crossfaded, embed
from lipkit.protocols import Features

if TYPE_CHECKING:
    from lipkit.audio.streams import Chunks, Floats

WINDOW = 3000  # mel columns that the network hears at once: 30 s
OVERLAP = 500  # columns that two windows share: 5 s


class WhisperEncoder:
    """Features ``(t, l, d)`` at 50 Hz from transformers' ``WhisperEncoder``.

    ``joints="hard"`` starts anew every 30 s, as the official code does, and jumps there.
    """

    rate = Fraction(50)

    def __init__(
        self,
        model: Any,
        *,
        name: str = "whisper-tiny",
        layers: str = "all",
        joints: str = "faded",
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.indices = chosen(layers, tuple(range(len(self.model.layers) + 1)))
        self.layers = len(self.indices)
        self.width = int(self.model.conv1.out_channels)
        self.stride = WINDOW if joints == "hard" else WINDOW - OVERLAP

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and width of a feature step."""
        return self.layers, self.width

    def count(self, samples: int) -> int:
        """Feature steps of a sound of so many samples."""
        return WHISPER.count(samples) // 2

    def stream(self, chunks: Chunks) -> Iterator[Floats]:
        """Pieces ``(t, l, d)`` of the features of a sound; asks for the sound twice."""
        peak = max((float(piece.max()) for piece in spectra(chunks(), WHISPER)), default=0.0)
        mels = (compressed(piece, WHISPER, peak) for piece in spectra(chunks(), WHISPER))
        windows = blocks(mels, WINDOW, self.stride)
        return crossfaded((start // 2, self.states(mel)) for start, mel in windows)

    @torch.inference_mode()
    def states(self, mel: Floats) -> Floats:
        """Hidden states ``(columns // 2, l, d)`` of one window of log-mel ``(columns, 80)``.

        A short window is filled up with zeros, which is not the level of silence: so it was
        trained.
        """
        weight = self.model.conv1.weight
        full = np.zeros((WINDOW, mel.shape[1]), np.float32)
        full[: len(mel)] = mel
        heard = torch.from_numpy(full).to(weight.device, weight.dtype).T[None]
        states, _ = stacked(self.model.layers, lambda: self.model(heard), self.indices)
        kept: Floats = states[0, : len(mel) // 2].float().cpu().numpy()
        return kept

    def encode(self, wave: Floats) -> Features:
        """Features of ``wave (n,)`` at 16 kHz."""
        return embed(self, lambda: [wave])
