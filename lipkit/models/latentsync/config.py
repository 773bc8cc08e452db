"""Settings of LatentSync: what the weights fix, and how to sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import VaeConfig, VideoUNetConfig

CELL = 8  # pixels that one latent covers


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are 1.5's and 1.6's network."""

    resolution: int = 256
    fps: int = 25
    window: int = 16  # frames made at once: norms run over all of them, so it is part of the model
    mask: str = "mask"  # the hole in the face that is drawn anew
    encoder: str = "whisper-tiny"
    context: tuple[int, ...] = (2, 2)  # frames before and after that a frame hears
    unet: VideoUNetConfig = field(default_factory=VideoUNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)

    def __post_init__(self) -> None:
        if self.resolution % CELL:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {CELL}")
        room = self.unet.motion.table
        if self.unet.motion.levels and self.window > room:
            raise ValueError(f"model.window = {self.window}: motion modules know {room} frames")


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    steps: int = 20
    guidance: float = 1.5  # 1: the audio as trained, without the second pass that guidance takes
    scheduler: Literal["ddim", "dpm++"] = "ddim"
    speed: Literal["exact", "fast"] = "exact"  # fast: deep layers run every third step only
    overlap: int = 0  # frames that neighbouring windows see of each other; the official code's is 0
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: bf16 on CUDA
    compile: bool = False  # by torch.compile: slow to begin, then faster

    def __post_init__(self) -> None:
        if self.steps < 1 or self.guidance < 0 or self.overlap < 0:
            raise ValueError("sampling: steps from 1, guidance and overlap from 0")


@dataclass(frozen=True)
class LatentSyncConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
