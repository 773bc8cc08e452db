"""A stand-in for SyncNet that needs no weights."""

from __future__ import annotations

import torch


class Loudness(torch.nn.Module):
    """Embeds the grey of faces and the energy of sound; both are the loudness of the voice."""

    def __init__(self) -> None:
        super().__init__()
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def lips(self, frames: torch.Tensor) -> torch.Tensor:
        """Mean grey of every five frames."""
        grey = frames[:, :, :, 60:160, 60:160].mean((1, 3, 4))
        return spread(grey.unfold(1, 5, 1).mean(2))

    def voice(self, windows: torch.Tensor) -> torch.Tensor:
        """Mean energy of the window, on the scale of the grey of faces."""
        return spread(windows[:, 0, 0].mean(1) * 8)


def spread(values: torch.Tensor) -> torch.Tensor:
    return values[..., None].expand(*values.shape, 1024) / 32
