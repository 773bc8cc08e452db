"""Settings of LivePortrait's networks; the defaults are the released sizes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Region = Literal["all", "exp", "pose", "lip", "eyes"]


@dataclass(frozen=True)
class AppearanceConfig:
    """F: a picture to a volume of features."""

    width: int = 64
    widest: int = 512
    halvings: int = 2
    channels: int = 32
    depth: int = 16
    blocks: int = 6


@dataclass(frozen=True)
class MotionConfig:
    """M: a picture to keypoints, pose and expression."""

    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (96, 192, 384, 768)
    points: int = 21
    bins: int = 66


@dataclass(frozen=True)
class WarpConfig:
    """W: a volume moved by keypoints, folded flat."""

    points: int = 21
    channels: int = 32
    depth: int = 16
    width: int = 64
    halvings: int = 2
    compressed: int = 4  # channels that each keypoint's motion is tried on
    hourglass_width: int = 32
    hourglass_widest: int = 1024
    hourglass_blocks: int = 5
    occlusion: bool = True


@dataclass(frozen=True)
class DecoderConfig:
    """G: flat features to a picture."""

    width: int = 64
    widest: int = 512
    halvings: int = 2
    out_width: int = 64
    enlargement: int = 2  # of the picture over what two doublings of the features give: 1 or 2

    @property
    def entering(self) -> int:
        """Channels of the features."""
        return min(self.widest, self.width * 2**self.halvings)


@dataclass(frozen=True)
class RetargetingConfig:
    """S and R: widths of the layers inside the networks that correct keypoints."""

    stitching: tuple[int, ...] = (128, 128, 64)
    lips: tuple[int, ...] = (128, 128, 64)
    eyes: tuple[int, ...] = (256, 256, 128, 128, 64)


@dataclass(frozen=True)
class LivePortraitConfig:
    """All networks of the codec, and the sides of the pictures that they take and give."""

    side: int = 256
    appearance: AppearanceConfig = field(default_factory=AppearanceConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    warp: WarpConfig = field(default_factory=WarpConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    retargeting: RetargetingConfig = field(default_factory=RetargetingConfig)

    def __post_init__(self) -> None:
        if len({self.motion.points, self.warp.points}) > 1:
            raise ValueError("motion and warp: as many keypoints must be found as are moved")
        if (self.appearance.channels, self.appearance.depth) != (
            self.warp.channels,
            self.warp.depth,
        ):
            raise ValueError("appearance and warp: the volume must be of the same shape in both")

    @property
    def size(self) -> int:
        """Side of a rendered crop in pixels."""
        features = self.side // 2**self.appearance.halvings
        return features * 4 * self.decoder.enlargement


@dataclass(frozen=True)
class SamplingConfig:
    """How a face is moved; free to change."""

    # Whether the portrait takes over how a driver's face changes, or how it is.
    mode: Literal["relative", "absolute"] = "relative"
    region: Region = "all"  # what is taken over from the driver
    rescale: bool = False  # relative motion in the size of the portrait's face: expression-friendly
    stitch: bool = True  # keep neck and shoulders where they were
    close_lips: bool = False  # close the portrait's lips first, where they are open
    gain: float = 1.0  # of all motion

    def __post_init__(self) -> None:
        if self.gain < 0:
            raise ValueError("sampling.gain: from 0")


@dataclass(frozen=True)
class VideoDrivenConfig:
    """Everything about one set of networks that makes faces follow a video."""

    model: LivePortraitConfig = field(default_factory=LivePortraitConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
