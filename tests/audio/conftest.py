"""Small encoders with random weights, and sound for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch


def shaken(network: Any) -> Any:
    """The network with weights large enough to matter; transformers begins with tiny ones."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(noise * scale + (1.0 if parameter.ndim == 1 else 0.0))
    return network.eval()


@pytest.fixture(scope="session")
def small_whisper() -> Any:
    """transformers' Whisper encoder, two narrow blocks."""
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    shape = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}
    network = WhisperEncoder(WhisperConfig(**shape, encoder_ffn_dim=32))
    positions = network.embed_positions.weight.clone()
    shaken(network)
    network.embed_positions.weight.data.copy_(positions)
    return network


@pytest.fixture(scope="session")
def small_wav2vec2() -> Any:
    """transformers' wav2vec 2.0, two narrow blocks."""
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    shape |= {"intermediate_size": 32, "num_conv_pos_embeddings": 8}
    shape |= {"num_conv_pos_embedding_groups": 2, "mask_time_prob": 0.0}
    return shaken(Wav2Vec2Model(Wav2Vec2Config(**shape, conv_dim=(8,) * 7)))


@pytest.fixture(scope="session")
def minute() -> np.ndarray:
    """A little over a minute of noise that swells and fades, as loud in every second."""
    time = np.arange(16000 * 70) / 16000
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.1 * noise * (1.2 + np.sin(2 * np.pi * 4 * time))).astype(np.float32)
