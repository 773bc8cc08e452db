"""Settings of the motion generator: what the weights fix, how to sample, how to train."""

from __future__ import annotations

from dataclasses import dataclass, field

from lipkit.training.config import Precision, StageConfig


@dataclass(frozen=True)
class FrontendConfig:
    """The network that hears phone classes in a log-mel spectrogram."""

    bands: int = 64
    width: int = 160
    dilations: tuple[int, ...] = (1, 2, 4, 1, 2)
    classes: int = 23
    dropout: float = 0.1


@dataclass(frozen=True)
class GeneratorConfig:
    """The motion diffusion transformer (VASA-1, section 3.2, at a size that ships)."""

    channels: int = 15
    audio: int = 26  # phone classes, loudness, accent, rest
    width: int = 192
    layers: int = 4
    heads: int = 6
    window: int = 50  # frames made at once
    context: int = 10  # frames of motion and audio remembered from the window before
    diffusion_steps: int = 1000
    dropout: float = 0.0
    emotion: int = 0  # numbers that tell one; 0: no such condition


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them."""

    fps: int = 25
    frontend: FrontendConfig = field(default_factory=FrontendConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)


@dataclass(frozen=True)
class SamplingConfig:
    """How motion is drawn from the generator; free to change."""

    steps: int = 8  # DDIM steps
    guidance: float = 0.2  # lambda of the audio condition: x = (1 + l) x_c - l x_null
    gaze_guidance: float = 0.0
    distance_guidance: float = 0.0
    mouth_temperature: float = 0.0  # share of the starting noise that mouth channels get
    head_temperature: float = 1.0
    aperture_spread: float = 1.5  # of aperture and jaw about lips between phones
    width_spread: float = 1.6  # of the width about a relaxed mouth's
    yaw_spread: float = 1.3  # of the turns of the head, into the range of real talkers
    pitch_spread: float = 1.4
    roll_spread: float = 1.2
    head_motion: float = 1.0  # scale of pose and translation
    blink: bool = True
    live_hop: int = 5  # frames that a live voice moves at once
    live_ahead: int = 10  # frames of sound that it hears beyond them

    def __post_init__(self) -> None:
        if self.live_hop < 1 or self.live_ahead < 0:
            raise ValueError("sampling.live_hop is at least 1, sampling.live_ahead at least 0")


@dataclass(frozen=True)
class ControlsConfig:
    """What is wanted of a performance besides its words.

    ``gaze`` theta and phi in degrees, to image-right and down; ``distance`` how much larger than
    in the portrait the head is, 0.1 for a tenth.
    """

    gaze: tuple[float, ...] = (0.0, 0.0)
    distance: float = 0.0

    def __post_init__(self) -> None:
        if len(self.gaze) != 2:
            raise ValueError("controls.gaze: two angles in degrees")


@dataclass(frozen=True)
class TrainConfig:
    """The stages, in the order in which they run."""

    frontend: StageConfig = field(
        default_factory=lambda: StageConfig(steps=5700, batch=24, frames=75, learning_rate=1.5e-3)
    )
    generator: StageConfig = field(
        default_factory=lambda: StageConfig(steps=6000, batch=32, learning_rate=1e-3)
    )
    footage: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=80,
            batch=6,
            learning_rate=1e-4,
            schedule="constant",
            warmup=20,
            ema=0.98,
            log_every=20,
        )
    )
    precision: Precision = "no"


@dataclass(frozen=True)
class VasaConfig:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    controls: ControlsConfig = field(default_factory=ControlsConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
