"""What MuseTalk hears: the encoder's steps around each frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from lipkit.models.musetalk.config import ModelConfig
from lipkit.protocols import AudioEncoder, Features
from lipkit.sync.hearing import windows_of


def normed(voice: Features, encoder: AudioEncoder | None, form: ModelConfig) -> Features:
    """The features with the last layer through the encoder's final norm, where the model wants it.

    Mels have neither network nor norm.
    """
    network: Any = getattr(encoder, "model", None)
    if not form.final_norm or network is None:
        return voice
    data = voice.data.copy()
    with torch.inference_mode():
        data[:, -1] = network.layer_norm(torch.from_numpy(data[:, -1])).numpy()
    return replace(voice, data=data)


def around(voice: Features, form: ModelConfig, first: int, count: int) -> Features:
    """The sound of each of ``count`` frames and of its neighbours: windows ``(count, t, d)``."""
    steps = voice.rate / form.fps
    before, after = form.context
    span = int(before * steps), int((after + 1) * steps) - 1
    return windows_of(voice, form.fps, first, count, span, 0.0 if form.beyond == "zeros" else None)
