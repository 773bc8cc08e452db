"""Settings of the codec's training: what its loss weighs, whom it asks, how drivers are changed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Weighing:
    """How much each term counts. MegaPortraits, supplement, section B; VASA-1's two are its own."""

    vgg: float = 20.0  # perceptual, by a network for objects
    face: float = 4.0  # perceptual, of the face alone, by a network for faces
    gaze: float = 5.0  # perceptual, of the eyes alone, by a network for gaze
    deceit: float = 1.0  # GAN
    features: float = 40.0  # feature matching
    contrast: float = 2.0
    contrast_from: int = 0  # update; before heads show expressions, it drives all codes together
    consistency: float = 1.0  # VASA-1's l_consist
    cross_identity: float = 1.0  # VASA-1's l_cross_id
    matte: float = 1.0  # of the matte that is drawn along
    pixels: float = 0.0  # mean absolute difference; not the paper's
    crossed: int = 0  # examples of a batch that count in terms across videos; 0: all


@dataclass(frozen=True)
class HighWeighing:
    """How much each term of the HR stage counts."""

    pixels: float = 100.0
    deceit: float = 1.0
    features: float = 100.0
    cross_deceit: float = 1.0
    cycle: float = 10.0


@dataclass(frozen=True)
class JudgeNames:
    """Files of the frozen networks that the loss asks, or "stand-in".

    ``vgg`` is torchvision's VGG19, ``face`` and ``gaze`` are of VGG16's shape with the same names,
    ``identity`` is InsightFace's ArcFace. Stand-ins are small networks with random weights: enough
    to try a training with, and nothing to compare results by.
    """

    vgg: str = ""
    face: str = ""
    gaze: str = ""
    identity: str = ""


@dataclass(frozen=True)
class DriverChanges:
    """What befalls the drivers' faces before their expression is told, so that nothing else is."""

    shift: float = 0.08  # of the crop, in half sides
    zoom: float = 0.1
    bend: float = 0.08  # of the points that a thin plate spline moves, in half sides
    colour: float = 0.4


@dataclass(frozen=True)
class DiscriminatorConfig:
    """A judge of patches at several scales."""

    width: int = 64
    layers: int = 4
    scales: int = 2


@dataclass(frozen=True)
class CodecTraining:
    """What the codec's stages have in common."""

    loss: Weighing = field(default_factory=Weighing)
    high_loss: HighWeighing = field(default_factory=HighWeighing)
    judges: JudgeNames = field(default_factory=JudgeNames)
    changes: DriverChanges = field(default_factory=DriverChanges)
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
