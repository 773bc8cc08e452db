"""Sizes of StableSyncNet; apart from it, so that settings import nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lipkit.errors import BadUsage

Factor = int | tuple[int, int]


@dataclass(frozen=True)
class EncoderConfig:
    """One encoder: the fields that LatentSync's files of settings have.

    ``downsample_factors`` are strides, or strides of height and width; 1 keeps the size.
    ``attn_blocks`` says after which stages attention comes; none at all if empty.
    """

    in_channels: int
    block_out_channels: tuple[int, ...]
    downsample_factors: tuple[Factor, ...]
    attn_blocks: tuple[int, ...] = ()
    dropout: float = 0.0

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> EncoderConfig:
        """The config in a table of settings; `BadUsage` where its lists do not fit each other."""
        known = {key: table[key] for key in cls.__dataclass_fields__ if key in table}
        lists = {key: tupled(value) for key, value in known.items() if isinstance(value, Sequence)}
        config = cls(**known | lists)
        stages = len(config.block_out_channels)
        for key in ("downsample_factors", "attn_blocks"):
            if len(getattr(config, key)) not in (
                {stages} | ({0} if key == "attn_blocks" else set())
            ):
                raise BadUsage(f"{key}: {len(getattr(config, key))} values for {stages} stages")
        return config


@dataclass(frozen=True)
class SoundConfig(EncoderConfig):
    """The released encoder of a mel ``(1, 80, 52)``."""

    in_channels: int = 1
    block_out_channels: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048)
    downsample_factors: tuple[Factor, ...] = ((2, 1), 2, 2, 1, 2, 2, (2, 3))
    attn_blocks: tuple[int, ...] = (0, 0, 0, 1, 1, 0, 0)


@dataclass(frozen=True)
class LipsConfig(EncoderConfig):
    """The released encoder of the lower halves ``(48, 128, 256)`` of sixteen faces."""

    in_channels: int = 48
    block_out_channels: tuple[int, ...] = (64, 128, 256, 256, 512, 1024, 2048, 2048)
    downsample_factors: tuple[Factor, ...] = ((1, 2), 2, 2, 2, 2, 2, 2, 2)
    attn_blocks: tuple[int, ...] = (0, 0, 0, 0, 1, 1, 0, 0)


@dataclass(frozen=True)
class SyncNetConfig:
    """Both encoders."""

    audio_encoder: EncoderConfig
    visual_encoder: EncoderConfig

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> SyncNetConfig:
        """The config in the table ``model`` of LatentSync's settings."""
        return cls(*(EncoderConfig.of(table[f"{kind}_encoder"]) for kind in ("audio", "visual")))

    @property
    def frames(self) -> int:
        """How many frames of three colours are looked at together."""
        return self.visual_encoder.in_channels // 3


RELEASED = SyncNetConfig(SoundConfig(), LipsConfig())


def tupled(values: Sequence[Any]) -> tuple[Any, ...]:
    """Lists, and the lists in them, as tuples."""
    return tuple(tupled(v) if isinstance(v, Sequence) else v for v in values)
