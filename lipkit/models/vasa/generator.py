"""The motion diffusion transformer (VASA-1, section 3.2)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lipkit.models.parts.sampling import guided
from lipkit.models.vasa.config import GeneratorConfig


@dataclass(frozen=True)
class Conditions:
    """What a window of motion depends on; None is the learned null of that condition.

    ``audio (b, w, a)``; the window before as ``motion (b, k, c)`` (normalised) with
    ``motion_audio (b, k, a)``; ``gaze (b, 2)`` main direction in units of ten degrees;
    ``distance (b, 1)`` of the head, in tenths; ``emotion (b, e)`` as an offset, where the model
    has one.
    """

    audio: Tensor | None = None
    motion: Tensor | None = None
    motion_audio: Tensor | None = None
    gaze: Tensor | None = None
    distance: Tensor | None = None
    emotion: Tensor | None = None

    def without(self, name: str) -> Conditions:
        """The same conditions but for one."""
        return replace(self, **{name: None})


def wave_embedding(t: Tensor, width: int) -> Tensor:
    """Sines and cosines ``(b, width)`` of diffusion times ``(b,)``."""
    rates = torch.exp(-math.log(10000) * torch.arange(width // 2, device=t.device) / (width // 2))
    angles = t[:, None].float() * rates
    return torch.cat([angles.sin(), angles.cos()], 1)


class MotionTransformer(nn.Module):
    """Predicts clean motion from noisy motion.

    Tokens along time: [time][gaze][distance], [emotion] where there is one, then ``context`` frames
    of the window before and ``window`` frames of this one, each a motion embedding plus an audio
    embedding. All embeddings know their place; the output is read at the last ``window`` tokens.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.gaze = nn.Linear(2, width)
        self.distance = nn.Linear(1, width)
        self.emotion = nn.Linear(config.emotion, width) if config.emotion else None
        self.motion = nn.Linear(config.channels, width)
        self.noisy = nn.Linear(config.channels, width)
        self.audio = nn.Sequential(
            nn.Linear(config.audio, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.null = nn.ParameterDict(
            {
                name: nn.Parameter(0.02 * torch.randn(width))
                for name in ("gaze", "distance", "audio", "previous", "emotion")
                if name != "emotion" or config.emotion
            }
        )
        places = 3 + bool(config.emotion) + config.context + config.window
        self.place = nn.Parameter(0.02 * torch.randn(places, width))
        layer = nn.TransformerEncoderLayer(
            width,
            config.heads,
            4 * width,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(
            layer, config.layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.head = nn.Linear(width, config.channels)

    def forward(
        self,
        x: Tensor,
        t: Tensor,
        conditions: Conditions,
        absent: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Clean motion ``(b, w, c)`` out of ``x (b, w, c)`` at diffusion time ``t (b,)``.

        ``absent`` maps a condition's name (``previous`` for motion and its audio) to a mask
        ``(b,)`` of examples, or ``(b, w)`` of frames, for which its null is used; it serves
        training.
        """
        absent = absent or {}
        batch, window, _ = x.shape

        def known(name: str, embedded: Tensor | None, count: int) -> Tensor:
            null = self.null[name].expand(batch, count, -1)
            if embedded is None:
                return null
            mask = absent.get(name)
            if mask is None:
                return embedded
            return torch.where(mask.view(batch, -1, 1), null, embedded)

        c = conditions
        time = self.time(wave_embedding(t, self.config.width))[:, None]
        gaze = known("gaze", None if c.gaze is None else self.gaze(c.gaze)[:, None], 1)
        distance = self.distance(c.distance)[:, None] if c.distance is not None else None
        feeling = []
        if self.emotion is not None:
            told = None if c.emotion is None else self.emotion(c.emotion)[:, None]
            feeling.append(known("emotion", told, 1))
        previous = None
        if c.motion is not None and c.motion_audio is not None:
            previous = self.motion(c.motion) + self.audio(c.motion_audio)
        current = self.noisy(x) + known(
            "audio", None if c.audio is None else self.audio(c.audio), window
        )
        tokens = torch.cat(
            [
                time,
                gaze,
                known("distance", distance, 1),
                *feeling,
                known("previous", previous, self.config.context),
                current + time,
            ],
            1,
        )
        return self.head(self.encoder(tokens + self.place)[:, -window:])

    def guided(
        self, x: Tensor, t: Tensor, conditions: Conditions, weights: Mapping[str, float]
    ) -> Tensor:
        """The same, guided: one more pass without each condition that has a weight."""
        without = [
            (weight, self(x, t, conditions.without(name)))
            for name, weight in weights.items()
            if weight
        ]
        return guided(self(x, t, conditions), without)
