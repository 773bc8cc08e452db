"""Wav2Lip's SyncNet has the official names and shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lipkit.models.parts.wav2lip_syncnet import Wav2LipSyncNet

MANIFEST = Path(__file__).parents[2] / "golden" / "latentsync" / "manifest_wav2lip_syncnet.json"


@pytest.mark.parametrize("activation", ["leaky", "silu"])
def test_names_and_shapes_are_official(activation: str) -> None:
    with torch.device("meta"):
        network = Wav2LipSyncNet(activation)
        lips, sound = network(torch.empty(2, 15, 128, 256), torch.empty(2, 1, 80, 16))
    found = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    assert found == json.loads(MANIFEST.read_text())
    assert lips.shape == sound.shape == (2, 1024)
