"""Settings of LatentSync: what the weights fix, how to sample, how to train."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import VaeConfig, VideoUNetConfig
from lipkit.training.config import Precision, StageConfig


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are 1.5's and 1.6's network."""

    resolution: int = 256
    fps: int = 25
    window: int = 16  # frames made at once: norms run over all of them, so it is part of the model
    mask: str = "mask"  # the hole in the face that is drawn anew
    encoder: str = "whisper-tiny"
    context: tuple[int, ...] = (2, 2)  # frames before and after that a frame hears
    listener: int = 0  # width of what a small network of the model's own makes tokens of; 0: none
    prediction: Literal["epsilon", "v_prediction", "sample"] = "epsilon"  # of the UNet
    unet: VideoUNetConfig = field(default_factory=VideoUNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)

    def __post_init__(self) -> None:
        if self.resolution % self.cell:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {self.cell}")
        room = self.unet.motion.table
        if self.unet.motion.levels and self.window > room:
            raise ValueError(f"model.window = {self.window}: motion modules know {room} frames")

    @property
    def cell(self) -> int:
        """Pixels that one latent is wide: 8 with Stable Diffusion's autoencoder."""
        return int(2 ** (len(self.vae.widths) - 1))

    @property
    def hears(self) -> int | None:
        """Width of the features that the model is given; None where it hears nothing."""
        return self.listener or self.unet.context


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    steps: int = 20
    guidance: float = 1.5  # 1: the audio as trained, without the second pass that guidance takes
    scheduler: Literal["ddim", "dpm++"] = "ddim"
    speed: Literal["exact", "fast"] = "exact"  # fast: deep layers run every third step only
    overlap: int = 0  # frames that neighbouring windows see of each other; the official code's is 0
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: bf16 on CUDA
    rest: bool = True  # whether lips rest in silence of over half a second
    compile: bool = False  # by torch.compile: slow to begin, then faster

    def __post_init__(self) -> None:
        if self.steps < 1 or self.guidance < 0 or self.overlap < 0:
            raise ValueError("sampling: steps from 1, guidance and overlap from 0")


@dataclass(frozen=True)
class Weighing:
    """How much each term counts; those of weight 0 are not computed."""

    recon: float = 1.0
    sync: float = 0.0
    lpips: float = 0.0
    trepa: float = 0.0


@dataclass(frozen=True)
class TrainConfig:
    """The stages: faces first, then speech; before, those of parts that are the model's own.

    Frozen networks are named as in the store, or by a file or run. Stand-ins are small networks
    with random weights: enough to try a training with, and nothing to compare results by.
    """

    autoencoder: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=4, frames=8, learning_rate=1e-4, weight_decay=0.0
        )
    )
    hearing: StageConfig = field(
        default_factory=lambda: StageConfig(steps=10_000, batch=8, frames=32)
    )
    stage1: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=500_000, batch=24, frames=16, learning_rate=1e-5, schedule="constant",
            warmup=0, weight_decay=0.01, checkpointing=True, save_every=10_000,
        )
    )  # fmt: skip
    stage2: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=4, frames=16, learning_rate=1e-5, schedule="constant",
            warmup=0, weight_decay=0.01, checkpointing=True, save_every=10_000,
        )
    )  # fmt: skip
    loss1: Weighing = field(default_factory=Weighing)
    loss2: Weighing = field(default_factory=lambda: Weighing(1.0, 0.05, 0.1, 10.0))
    parts2: tuple[str, ...] = ("motion_modules.", "attentions.")  # that stage 2 trains, by name
    alpha: float = 1.0  # of the noise that frames share; 0: each has its own
    kl: float = 3e-4  # of the autoencoder's posteriors
    syncnet: str = "stable-syncnet"
    lpips: str = "lpips-vgg"  # the heads; or "stand-in"
    vgg: str = "vgg16"  # what the heads look at
    videomae: str = "videomae-v2-g"  # or "stand-in"
    precision: Precision = "no"


@dataclass(frozen=True)
class LatentSyncConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
