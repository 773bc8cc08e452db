"""Settings of SyncNets: what the weights fix, and how to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.latentsync.syncnet_config import LipsConfig, SoundConfig
from lipkit.models.parts.diffusion_config import VaeConfig
from lipkit.training.config import Precision, StageConfig

FIVE = 5  # frames that Wav2Lip's SyncNet sees


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are the released SyncNet's."""

    kind: Literal["stable", "wav2lip"] = "stable"  # wav2lip: to compare with; sizes are its own
    space: Literal["pixels", "latents"] = "pixels"  # latents: whole faces, not lower halves
    resolution: int = 256  # of the faces
    divisor: int = 1  # of the widths of Wav2Lip's
    audio_encoder: SoundConfig = field(default_factory=SoundConfig)
    visual_encoder: LipsConfig = field(default_factory=LipsConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)  # whose latents are seen

    def __post_init__(self) -> None:
        for name in ("audio_encoder", "visual_encoder"):
            encoder = getattr(self, name)
            stages = len(encoder.block_out_channels)
            if len(encoder.downsample_factors) != stages:
                raise ValueError(f"model.{name}: {stages} widths want as many downsample_factors")
            if len(encoder.attn_blocks) not in (0, stages):
                raise ValueError(f"model.{name}: attn_blocks has {stages} values, or none")
        if self.kind == "wav2lip" and (self.space, self.resolution) != ("pixels", 256):
            raise ValueError("model.kind = wav2lip sees pixels, at resolution 256")

    @property
    def frames(self) -> int:
        """How many frames are looked at together."""
        if self.kind == "wav2lip":
            return FIVE
        channels = 3 if self.space == "pixels" else self.vae.latents
        return self.visual_encoder.in_channels // channels


@dataclass(frozen=True)
class SamplingConfig:
    """Nothing is sampled."""


@dataclass(frozen=True)
class TrainConfig:
    """The one stage."""

    pairs: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=256, frames=16, learning_rate=1e-5, schedule="constant",
            warmup=0, weight_decay=0.01, save_every=2500,
        )
    )  # fmt: skip
    windows: int = (
        1  # of a take in a batch; 2 or more: every pair of lips and sound of a take counts
    )
    checked: int = 2048  # pairs of a validation
    autoencoder: str = ""  # a run of latentsync whose latents are seen; "": the model's vae
    precision: Precision = "no"

    def __post_init__(self) -> None:
        if self.windows < 1 or self.pairs.batch % self.windows:
            raise ValueError(f"train.windows = {self.windows}: no divisor of train.pairs.batch")


@dataclass(frozen=True)
class ExpertConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
