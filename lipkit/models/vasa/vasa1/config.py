"""Settings of VASA-1: the codec's shape, what the generator hears, sampling, controls, training."""

from __future__ import annotations

from dataclasses import dataclass, field

from lipkit.models.vasa.codecs.megaportraits.config import CodecConfig
from lipkit.models.vasa.codecs.megaportraits.pose import POSE
from lipkit.models.vasa.codecs.megaportraits.training_config import CodecTraining
from lipkit.models.vasa.config import ControlsConfig as AttitudeConfig
from lipkit.models.vasa.config import GeneratorConfig
from lipkit.training.config import Precision, StageConfig

# HSEmotion's classes (Savchenko 2022) in its order.
EMOTIONS = (
    "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
)  # fmt: skip


@dataclass(frozen=True)
class HearingConfig:
    """What the generator hears: the last layer of an encoder, brought to the frame rate."""

    encoder: str = "wav2vec2-base-960h"
    # Spectra: the steps of a frame side by side, by how much louder than the whole sound they are;
    # otherwise the mean of a frame's steps.
    spectra: bool = False


@dataclass(frozen=True)
class ModelConfig:
    """Fixed by the weights, and stored with them.

    The texts tell neither the window nor the context, nor the steps of the diffusion.
    """

    fps: int = 25
    codec: CodecConfig = field(default_factory=CodecConfig)
    hearing: HearingConfig = field(default_factory=HearingConfig)
    generator: GeneratorConfig = field(
        default_factory=lambda: GeneratorConfig(
            channels=len(POSE) + 512,
            audio=768,
            width=512,
            layers=8,
            heads=8,
            window=25,
            context=10,
            emotion=len(EMOTIONS),
        )
    )

    def __post_init__(self) -> None:
        wanted = len(POSE) + self.codec.expression_width
        if self.generator.channels != wanted:
            raise ValueError(f"generator.channels: {wanted}, as many as the codec's motion has")
        if self.generator.emotion not in (0, len(EMOTIONS)):
            raise ValueError(f"generator.emotion: 0, or {len(EMOTIONS)} classes")


@dataclass(frozen=True)
class SamplingConfig:
    """How motion is drawn; free to change. The weights of conditions are section 3.2's lambdas."""

    steps: int = 50  # DDIM steps
    guidance: float = 0.5  # of the sound
    gaze_guidance: float = 1.0
    distance_guidance: float = 0.0
    emotion_guidance: float = 0.0
    temperature: float = 1.0  # share of the starting noise
    live_hop: int = 5  # frames that a live voice moves at once
    live_ahead: int = 10  # frames of sound that it hears beyond them

    def __post_init__(self) -> None:
        if self.live_hop < 1 or self.live_ahead < 0:
            raise ValueError("sampling.live_hop is at least 1, sampling.live_ahead at least 0")


@dataclass(frozen=True)
class ControlsConfig(AttitudeConfig):
    """What is wanted of a performance besides its words.

    ``emotion`` is a class, or a number for each class, as an offset; none: whatever comes.
    Distances are relative to a head of size 1, see `megaportraits.pose`.
    """

    emotion: str | tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.emotion, str) and self.emotion not in EMOTIONS:
            raise ValueError(f"controls.emotion: one of {', '.join(EMOTIONS)}, or their shares")
        if isinstance(self.emotion, tuple) and len(self.emotion) not in (0, len(EMOTIONS)):
            raise ValueError(f"controls.emotion: {len(EMOTIONS)} numbers")

    @property
    def feeling(self) -> tuple[float, ...]:
        """The emotion as numbers; empty for none."""
        if isinstance(self.emotion, str):
            return tuple(float(name == self.emotion) for name in EMOTIONS)
        return self.emotion


def _codec_stage(steps: int, batch: int) -> StageConfig:
    return StageConfig(
        steps=steps, batch=batch, learning_rate=2e-4, schedule="cosine", floor=0.005, warmup=0,
        beta1=0.5, weight_decay=0.01, checkpointing=False, save_every=10_000,
    )  # fmt: skip


@dataclass(frozen=True)
class TrainConfig:
    """The stages, in the order in which they run; the codec's after MegaPortraits, section 4."""

    pose: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=100_000, batch=64, learning_rate=1e-3, save_every=10_000
        )
    )
    codec: StageConfig = field(default_factory=lambda: _codec_stage(300_000, 16))
    codec_hr: StageConfig = field(default_factory=lambda: _codec_stage(50_000, 16))
    generator: StageConfig = field(
        default_factory=lambda: StageConfig(
            steps=500_000, batch=64, learning_rate=1e-4, save_every=10_000
        )
    )
    base: CodecTraining = field(default_factory=CodecTraining)
    emotion: str = ""  # an ONNX file of HSEmotion that tells emotions; none: they are all zero
    precision: Precision = "no"


@dataclass(frozen=True)
class Vasa1Config:
    """Everything about one model of the family."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    controls: ControlsConfig = field(default_factory=ControlsConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
