"""Settings of EMO and of what is built like it: what the weights fix, and how to sample.

Where the EMO paper is silent, the defaults are Hallo's choices without its slips; Hallo's preset
asks for the slips that its weights were trained with by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lipkit.models.parts.diffusion_config import (
    DiffusionConfig,
    Scope,
    TemporalConfig,
    VaeConfig,
    VideoUNetConfig,
)
from lipkit.training.config import Precision, StageConfig

FirstClip = Literal["zero_features", "zero_pixels", "copies"]


@dataclass(frozen=True)
class BackboneConfig(VideoUNetConfig):
    """Stable Diffusion 1.5's UNet; its context is the width of identity tokens, if there are."""

    in_channels: int = 4
    context: int | None = None
    scope: Scope = "frame"
    motion: TemporalConfig = field(default_factory=TemporalConfig)


@dataclass(frozen=True)
class ReferenceConfig:
    """How the backbone reads what the reference network saw of the picture and of frames before."""

    mode: Literal["cross", "self_concat"] = "cross"  # instead of text, or beside own tokens
    tap: Literal["norm1", "attn_out"] = "attn_out"  # self-attention's input, or its output
    spread: Literal["ordered", "interleaved"] = "ordered"  # whose bank a frame of a batch reads
    tokens: Literal["own", "repeated"] = "own"  # whose identity a picture of a batch reads
    precision: Literal["run", "fp16"] = "run"  # what banks are rounded to
    motion: Literal["all", "train", "eval"] = "all"  # where earlier frames enter, see Backbone
    empty: int = 4  # frames of zeros that stand before a clip without a reference
    first_clip: FirstClip = "zero_features"


@dataclass(frozen=True)
class IdentityConfig:
    """The face embedding that cross-attention reads in the place of text."""

    source: Literal["none", "insightface"] = "none"
    width: int = 512
    tokens: int = 4


@dataclass(frozen=True)
class HearingConfig:
    """What of the sound a frame hears, and where in the backbone."""

    encoder: str = "wav2vec2-base-960h"
    layers: int = 12
    width: int = 768  # of a layer
    margin: int = 2  # frames before and after
    hidden: int = 512
    tokens: int = 32
    token_width: int = 768
    block: Literal["simple", "hierarchical"] = "simple"
    masked: tuple[Literal["down", "mid", "up"], ...] = ("down", "mid", "up")
    masked_levels: tuple[int, ...] = (0, 1, 2, 3)


@dataclass(frozen=True)
class LocatorConfig:
    """The network that encodes where the face may be."""

    widths: tuple[int, ...] = (16, 32, 64, 128)
    add: Literal["after_conv_in", "latent"] = "after_conv_in"
    face: float = 1.0  # of the face's box, how much of it is filled
    lips: float = 1.0
    wrap: bool = False  # boxes beyond the left or top border as Hallo fills them: hardly at all


@dataclass(frozen=True)
class SpeedConfig:
    """EMO's speed layers: how fast the head turns, in degrees from frame to frame."""

    buckets: int = 0  # 0: no speed layers
    slowest: float = 0.1  # centre of the first bucket
    fastest: float = 1.9
    width: int = 128
    margin: int = 2  # frames before and after


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them; the defaults are EMO's numbers."""

    resolution: int = 512
    fps: int = 30
    window: int = 12  # frames of a clip
    carried: int = 4  # frames of the clip before that a clip goes on from
    unet: BackboneConfig = field(default_factory=BackboneConfig)
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    identity: IdentityConfig = field(default_factory=IdentityConfig)
    hearing: HearingConfig = field(default_factory=HearingConfig)
    locator: LocatorConfig = field(default_factory=LocatorConfig)
    speed: SpeedConfig = field(default_factory=SpeedConfig)
    diffusion: DiffusionConfig = field(default_factory=DiffusionConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)

    def __post_init__(self) -> None:
        if self.resolution % self.cell:
            raise ValueError(f"model.resolution = {self.resolution}: no multiple of {self.cell}")
        if self.unet.in_channels != self.vae.latents or self.unet.out_channels != self.vae.latents:
            raise ValueError(f"model.unet: latents have {self.vae.latents} channels")
        if self.locator.add == "after_conv_in" and 2 ** (len(self.locator.widths) - 1) != self.cell:
            raise ValueError(f"model.locator.widths: latents are {self.cell} pixels apart")
        room = self.unet.motion.table
        if self.window + self.carried > room:
            both = f"{self.carried} + {self.window}"
            raise ValueError(f"model.window: {both} frames, but motion modules know {room}")
        if (self.identity.source == "none") != (self.unet.context is None):
            raise ValueError("model.unet.context is the width of identity tokens: both or none")
        if self.unet.context is not None and self.reference.mode == "cross":
            raise ValueError("model.reference.mode = cross takes the place of identity tokens")
        if 0 < self.carried > self.window:
            raise ValueError(f"model.carried = {self.carried}: a clip has {self.window} frames")

    @property
    def cell(self) -> int:
        """Pixels that one latent covers, along each side."""
        return int(2 ** (len(self.vae.widths) - 1))

    @property
    def side(self) -> int:
        """Latents along each side of a picture."""
        return self.resolution // self.cell


@dataclass(frozen=True)
class SamplingConfig:
    """How clips are drawn; free to change."""

    steps: int = 40
    guidance: float = 3.5  # 1: as trained, without the second pass that guidance takes
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: fp16 on CUDA
    region: Literal["box", "wide", "tall", "none"] = "box"  # where the head may go

    def __post_init__(self) -> None:
        if self.steps < 1 or self.guidance < 0:
            raise ValueError("sampling: steps from 1, guidance from 0")


@dataclass(frozen=True)
class ControlsConfig:
    """What a user may ask of the performance."""

    # Of the head in degrees a frame, where the model has speed layers: 0.1 to 1.3. One for all
    # frames, one for each, or a file of such; the last one holds on.
    speed: float | tuple[float, ...] | str = 0.7
    pose: float = 1.0  # how much the sound moves what is around the face
    face: float = 1.0
    lips: float = 1.0

    def __post_init__(self) -> None:
        given = self.speed if isinstance(self.speed, tuple) else (self.speed,)
        if not given or any(isinstance(v, float | int) and not 0 <= v < 180 for v in given):
            raise ValueError("controls.speed: one speed or more, from 0 degrees a frame")


@dataclass(frozen=True)
class Drops:
    """Shares of the batches that lack something, so that sampling can do without it."""

    reference: float = 0.05
    audio: float = 0.05
    past: float = 0.05  # a clip begins
    guides: float = 0.0  # reference, sound and face region at once, as in guidance's other pass
    bank: bool = False  # without a reference there are no frames before either: Hallo's code


def _stage(batch: int, frames: int) -> StageConfig:
    return StageConfig(
        steps=30_000, batch=batch, frames=frames, learning_rate=1e-5, schedule="constant",
        warmup=1, weight_decay=0.01, checkpointing=True, save_every=1000,
    )  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """The stages: pictures, clips with sound, speeds; before them an autoencoder of one's own.

    Batches, frames and rates are EMO's; the paper tells neither steps nor the optimizer.
    """

    autoencoder: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=32, learning_rate=1e-4, weight_decay=0.0, save_every=1000
        )
    )
    stage1: StageConfig = field(default_factory=lambda: _stage(48, 1))
    stage2: StageConfig = field(default_factory=lambda: _stage(4, 12))
    stage3: StageConfig = field(default_factory=lambda: _stage(4, 12))
    parts2: tuple[str, ...] = ("motion_modules", "audio_modules", "hearing")  # in stage 2, by name
    drop1: Drops = field(default_factory=Drops)  # of stage 1; later ones take the other
    drop2: Drops = field(default_factory=Drops)
    apart: int = 1  # frames between a picture and its reference, where the take is long enough
    # What stands before a first clip.
    start: Literal["as_sampled", "zero_features", "zero_pixels", "copies"] = "as_sampled"
    gamma: float = 0.0  # of min-SNR weights; 0: all noise levels count alike
    collapsed: bool = False  # stages 2 and 3 weigh batches by noise, not samples
    offset: float = 0.0  # of noise that a whole picture shares
    face: float = 1.0  # how much errors in the face's box count
    lips: float = 1.0
    kl: float = 3e-4  # of the autoencoder's posteriors
    precision: Precision = "no"


@dataclass(frozen=True)
class EmoConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    controls: ControlsConfig = field(default_factory=ControlsConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
