"""Settings of MuseTalk: what the weights fix, and how to use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import VaeConfig
from lipkit.training.config import Precision, StageConfig

CELL = 8  # pixels that one latent covers


@dataclass(frozen=True)
class UNetConfig:
    """Stable Diffusion 1.5's UNet with room for two faces' latents."""

    in_channels: int = 8
    out_channels: int = 4
    widths: tuple[int, ...] = (320, 640, 1280, 1280)
    layers: int = 2
    attention: tuple[int, ...] = (0, 1, 2)  # levels with attention, the outermost being 0
    heads: int = 8
    context: int = 384  # width of what is heard
    groups: int = 32


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are 1.5's."""

    resolution: int = 256
    fps: int = 25
    encoder: str = "whisper-tiny"
    context: tuple[int, ...] = (2, 2)  # frames before and after that a frame hears
    final_norm: bool = True  # whether the encoder's last layer is heard through its final norm
    beyond: Literal["zeros", "repeat"] = "zeros"  # what lies beyond the ends of the sound
    margin: int = 10  # pixels of the crop below the chin
    unet: UNetConfig = field(default_factory=UNetConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)

    def __post_init__(self) -> None:
        if self.resolution % CELL:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {CELL}")


@dataclass(frozen=True)
class SamplingConfig:
    """How faces are drawn; free to change."""

    batch: int = 16  # faces drawn at once
    shift: int = 0  # pixels of the crop: above 0 its middle lies lower and lips open more
    positions: bool = True  # whether what is heard tells its places, as in official inference
    posterior: Literal["mean", "draw"] = "mean"  # of the autoencoder; official inference draws
    rest: bool = True  # whether lips rest in silence of over half a second
    paste: Literal["soft", "official"] = "soft"  # official: blurred box, its upper half left out
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: fp16 on CUDA

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"sampling.batch = {self.batch}: one face at least")


@dataclass(frozen=True)
class Weighing:
    """How much each term counts; those of weight 0 are not computed."""

    pixels: float = 1.0
    looks: float = 0.01  # VGG's features at four scales
    judge: float = 0.0  # deceiving the judge of faces
    mouth: float = 0.0  # deceiving the judge of mouths
    matching: float = 0.0  # of the judges' features
    sync: float = 0.0


@dataclass(frozen=True)
class JudgeConfig:
    """A judge of patches: how large it is, and how it learns."""

    width: int = 64  # channels of its first layer
    layers: int = 4
    scales: int = 2  # each sees pictures half as large as the one before
    stage: StageConfig = field(
        default_factory=lambda: StageConfig(
            learning_rate=1e-5, schedule="linear", beta1=0.5, weight_decay=0.0
        )
    )


@dataclass(frozen=True)
class TrainConfig:
    """Single frames first, then 16 in a row, against judges of faces and mouths and to a SyncNet.

    Frozen networks are named as in the store, or by a file or run; "stand-in" is a small network
    with random weights, for trying a training. A stage for an autoencoder of the model's own
    comes before.
    """

    autoencoder: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=16, learning_rate=1e-4, weight_decay=0.0
        )
    )
    stage1: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=250_000, batch=32, frames=1, learning_rate=2e-5, schedule="linear",
            warmup=1000, beta1=0.5, weight_decay=0.01, checkpointing=True, save_every=10_000,
        )
    )  # fmt: skip
    stage2: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=250_000, batch=2, frames=16, accumulate=8, learning_rate=5e-6, schedule="linear",
            warmup=1000, beta1=0.5, weight_decay=0.01, checkpointing=True, save_every=10_000,
        )
    )  # fmt: skip
    loss1: Weighing = field(default_factory=Weighing)
    loss2: Weighing = field(default_factory=lambda: Weighing(1.0, 0.01, 0.01, 0.01, 1.0, 0.05))
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    judged_from: int = 1000  # updates of stage 2 before which nobody judges
    positions: bool = (
        True  # whether what is heard tells its places; in official training it did not
    )
    vgg: str = "vgg16"
    side: int = 224  # of the pictures that VGG sees
    syncnet: str = "stable-syncnet"
    kl: float = 3e-4  # of the autoencoder's posteriors
    precision: Precision = "no"


@dataclass(frozen=True)
class MuseTalkConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
