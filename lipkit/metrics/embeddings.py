"""What SyncNet makes of lips and of voices: one embedding for every five frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.models.parts.syncnet import SyncNet
    from lipkit.protocols import Frames

    Array = NDArray[Any]

SAMPLES = 640  # of sound at 16 kHz to a frame at 25 a second
COLUMNS = 4  # of MFCC to a frame
LOST = 5  # windows fewer than frames: one fewer than there could be, as in the official code
SHORTEST = 50  # frames, below which the zeros beyond the ends decide
BATCH = 20  # windows at once


class LipStream:
    """Embeddings of lips from faces that come one by one."""

    def __init__(self, network: SyncNet) -> None:
        self.network = network
        self.seen = 0
        self._faces: list[Frames] = []
        self._found: list[Array] = []

    def add(self, face: Frames) -> None:
        """Take the next face ``(224, 224, 3)``, BGR; passers-by are not looked at."""
        self._faces.append(face)
        self.seen += 1
        while self.seen > SHORTEST and len(self._faces) >= BATCH + 4:
            self._run(BATCH)

    def finish(self) -> Array:
        """Embeddings ``(n - 4, 1024)`` of every five faces in a row."""
        while len(self._faces) > 4:
            self._run(min(BATCH, len(self._faces) - 4))
        return np.concatenate(self._found) if self._found else np.zeros((0, 1024), np.float32)

    def _run(self, windows: int) -> None:
        import torch

        device = next(self.network.parameters()).device
        frames = torch.from_numpy(np.stack(self._faces[: windows + 4])).to(device)
        with torch.inference_mode():
            found = self.network.lips(frames.movedim(-1, 0)[None].float())[0]
        self._found.append(found.cpu().numpy())
        del self._faces[:windows]


def window_count(frames: int, samples: int) -> int:
    """How many windows ``frames`` at 25 a second and ``samples`` at 16 kHz give."""
    return max(0, min(frames, samples // SAMPLES) - LOST)


def voice_windows(pcm: Array, count: int) -> NDArray[np.float32]:
    """MFCC windows ``(count, 1, 13, 20)`` of 16-bit sound ``(n,)``, one a frame."""
    from lipkit.audio.mfcc import mfcc
    from lipkit.models.parts import syncnet

    if not count:
        return np.zeros((0, 1, syncnet.COEFFICIENTS, syncnet.COLUMNS), np.float32)
    starts = np.arange(count)[:, None] * COLUMNS
    columns = mfcc(pcm)[:, starts + np.arange(syncnet.COLUMNS)]
    return columns.transpose(1, 0, 2)[:, None].astype(np.float32)


def voice_embeddings(network: SyncNet, pcm: Array, count: int) -> Array:
    """Embeddings ``(count, 1024)`` of the voice, one a frame."""
    import torch

    device = next(network.parameters()).device
    windows = torch.from_numpy(voice_windows(pcm, count))
    with torch.inference_mode():
        found = [
            network.voice(part.to(device)).cpu().numpy() for part in torch.split(windows, 5 * BATCH)
        ]
    return np.concatenate(found)
