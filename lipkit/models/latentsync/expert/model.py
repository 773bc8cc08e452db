"""SyncNets by their settings, fresh or with weights of the store, of a file, of a run."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from lipkit import config as settings
from lipkit.errors import WeightsError
from lipkit.models.latentsync import syncnet
from lipkit.models.latentsync.expert.config import ModelConfig
from lipkit.models.latentsync.syncnet_config import SyncNetConfig
from lipkit.models.parts import weights
from lipkit.models.parts.foreign import read_checkpoint
from lipkit.models.parts.wav2lip_syncnet import Wav2LipSyncNet

KEYS = frozenset(settings.as_tables(ModelConfig()))


def build(config: ModelConfig) -> nn.Module:
    """A SyncNet with fresh weights; called with lips and mel, it gives a pair of embeddings."""
    if config.kind == "wav2lip":
        return Wav2LipSyncNet(divisor=config.divisor)
    return syncnet.StableSyncNet(SyncNetConfig(config.audio_encoder, config.visual_encoder))


def place_of(name: str) -> Path:
    """The weights file that a name of the store, a run or a file stands for."""
    if name in weights.catalogue():
        return weights.locate(name)
    path = Path(name)
    return path / "weights.safetensors" if path.is_dir() else path


def load(name: str) -> tuple[nn.Module, ModelConfig]:
    """A frozen StableSyncNet and its settings; WeightsError where the file holds none.

    Without settings in the file, they are the released ones.
    """
    given = read_checkpoint(place_of(name))
    known = {key: value for key, value in given.config.items() if key in KEYS}
    if known.get("kind", "stable") != "stable":
        raise WeightsError(f"{name}: a SyncNet of Wav2Lip's kind, which sees too few frames")
    tensors, encoders = syncnet.adopt(given)
    form = settings.resolve(ModelConfig, preset={**known, **encoders})
    network = build(form)
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False), form
