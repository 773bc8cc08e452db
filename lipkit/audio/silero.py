"""Where somebody speaks, by silero-vad, a small network that comes inside its package."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lipkit.errors import BadUsage

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16000


@lru_cache(maxsize=1)
def _network() -> Any:
    try:
        from silero_vad import load_silero_vad
    except ImportError:
        hint = "pip install 'lipkit[metrics]'"
        raise BadUsage("voice activity needs silero-vad", hint=hint) from None
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TorchScript, which it comes in
        network = load_silero_vad()
    torch.set_num_threads(threads)  # which loading it sets to one
    return network


def segments(wave: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Stretches of speech ``(start, end)`` in samples of ``wave (n,)`` at 16 kHz."""
    from silero_vad import get_speech_timestamps

    network = _network()
    sound = torch.from_numpy(np.ascontiguousarray(wave, np.float32))
    with torch.inference_mode():
        found = get_speech_timestamps(sound, network, sampling_rate=RATE)
    return [(int(part["start"]), int(part["end"])) for part in found]
