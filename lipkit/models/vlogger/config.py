"""Settings of VLOGGER: what the weights fix, how to sample, how to train.

Marked [I] is what the paper leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from lipkit.training.config import Precision, StageConfig

Prediction = Literal["epsilon", "v_prediction", "sample"]


@dataclass(frozen=True)
class FaceConfig:
    """The parametric face that stands in for the paper's licensed body: its sizes are [I]."""

    shape: int = 48  # ways in which people differ
    expression: int = 48  # ways in which a face moves


@dataclass(frozen=True)
class MotionConfig:
    """Speech to motion (section 3.1): four causal layers; widths, noise and windows are [I].

    Body and hands have their places behind face and head in a row of motion. No tracker here sees
    them, so that they have no channels.
    """

    encoder: str = "mel"
    bands: int = 80  # of a step that it gives
    before: int = 6  # steps of sound that a frame hears before its own
    after: int = 9  # and after
    width: int = 512
    layers: int = 4
    heads: int = 8
    inner: int = 2048
    dropout: float = 0.1
    window: int = 96  # frames made at once: four seconds
    context: int = 24  # frames of the past that a window goes on from
    body: int = 0  # channels of the body's pose
    hands: int = 0  # and of both hands'

    @property
    def steps(self) -> int:
        """Steps of sound that a frame hears."""
        return self.before + 1 + self.after


@dataclass(frozen=True)
class UNetConfig:
    """A diffusion UNet in pixels; temporal layers as in section 3.2, sizes are [I]."""

    widths: tuple[int, ...] = (128, 256, 512, 512)
    layers: int = 2  # residual blocks of a level
    attention: tuple[int, ...] = (2, 3)  # levels whose pixels look at each other
    heads: int = 8
    groups: int = 32


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    fps: int = 24
    resolution: int = 128  # of the base
    cascade: tuple[int, ...] = (256, 512)  # to which it is enlarged, one network each
    window: int = 16  # frames that are drawn at once
    fine: int = 2  # controls are drawn so much larger, and averaged
    steps: int = 1000  # of diffusion
    prediction: Prediction = "epsilon"
    gain: float = 4.0  # of what super-resolution adds to an enlarged picture, to be diffused
    face: FaceConfig = field(default_factory=FaceConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    painter: UNetConfig = field(default_factory=UNetConfig)
    upscaler: UNetConfig = field(
        default_factory=lambda: UNetConfig(widths=(64, 128, 256, 256), attention=())
    )

    def __post_init__(self) -> None:
        sides = (self.resolution, *self.cascade)
        if any(later != 2 * side for side, later in pairwise(sides)):
            raise ValueError(f"model.cascade: {sides}, where each must be twice the one before")
        for name, form in (("painter", self.painter), ("upscaler", self.upscaler)):
            if any(width % form.groups for width in form.widths):
                raise ValueError(f"model.{name}.widths: no multiples of {form.groups} groups")
            if self.resolution % 2 ** (len(form.widths) - 1):
                raise ValueError(f"model.{name}: more levels than {self.resolution} pixels bear")


@dataclass(frozen=True)
class SamplingConfig:
    """How clips are made; free to change."""

    motion_steps: int = 50
    motion_guidance: float = 1.0  # of the sound: x = (1 + g) x_sound - g x_nothing
    steps: int = 50
    guidance: float = 0.5  # of controls and reference, in the same way
    overlap: float = 0.5  # share of a window that is known from the one before
    noise: float = 1.0  # drawn anew at each step: 1 is DDPM, 0 is DDIM
    upscale_steps: int = 20
    upscale_noise: float = 0.0  # likewise, of the super-resolution
    size: int = 0  # of the result: one of the cascade's, 0 is its last
    edit: Literal["mouth", "eyes", "expression"] = "mouth"  # what sync draws anew
    edit_grow: float = 0.12  # of the region that editing draws anew, in distances of the eyes
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"  # auto: fp16 on CUDA

    def __post_init__(self) -> None:
        if min(self.motion_steps, self.steps, self.upscale_steps) < 1:
            raise ValueError("sampling: steps from 1")
        if not 0 <= self.overlap < 1 or not 0 <= self.noise <= 1:
            raise ValueError("sampling: overlap from 0 and less than 1, noise from 0 to 1")


def paper_stage(**given: int) -> StageConfig:
    """A stage with the paper's numbers: 400k steps, batch 128, rate 5e-5."""
    chosen = {"steps": 400_000, "batch": 128, "frames": 1, **given}
    return StageConfig(
        **chosen, learning_rate=5e-5, schedule="constant", warmup=1000, ema=0.9999, save_every=5000
    )


@dataclass(frozen=True)
class TrainConfig:
    """The stages, in the order in which they run."""

    motion: StageConfig = field(default_factory=lambda: paper_stage(frames=240))
    base: StageConfig = field(default_factory=paper_stage)
    frames: StageConfig = field(default_factory=paper_stage)
    temporal: StageConfig = field(default_factory=lambda: paper_stage(frames=16, batch=128))
    upscale: StageConfig = field(default_factory=lambda: paper_stage(frames=4))
    personalize: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=1000, batch=4, frames=4, learning_rate=1e-4, schedule="constant", ema=0.99
        )
    )
    smooth_expression: float = 0.1  # lambda of the temporal loss [I]
    smooth_head: float = 1.0
    deaf: float = 0.1  # share of examples that hear nothing, for guidance
    blind: float = 0.1  # share of examples without controls and reference
    frozen: bool = True  # the base while its controls are learned, as in the paper
    faces: int = 400  # takes that the parametric face is learned from
    scenes: int = 0  # different ones to draw, made once and kept in memory; 0: always new ones
    apart: int = 24  # frames at least from a clip to its reference
    patch: int = 64  # side of what the super-resolution learns from
    grain: float = 0.1  # most noise that what is to be enlarged gets
    rank: int = 8  # of what personalisation adds to each weight; 0: all weights are tuned
    precision: Precision = "no"


@dataclass(frozen=True)
class VloggerConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
