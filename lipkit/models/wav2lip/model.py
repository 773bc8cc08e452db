"""Wav2Lip as one module."""

from __future__ import annotations

from lipkit.models.wav2lip.config import ModelConfig
from lipkit.models.wav2lip.generator import Generator


def build(config: ModelConfig) -> Generator:
    """A generator with fresh weights."""
    return Generator(config.width)
