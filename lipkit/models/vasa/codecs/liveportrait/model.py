"""LivePortrait's five networks as one module."""

from __future__ import annotations

from torch import Tensor, nn

from lipkit.models.vasa.codecs.liveportrait.config import LivePortraitConfig
from lipkit.models.vasa.codecs.liveportrait.decoder import Decoder
from lipkit.models.vasa.codecs.liveportrait.motion import MotionExtractor
from lipkit.models.vasa.codecs.liveportrait.retargeting import Retargeting
from lipkit.models.vasa.codecs.liveportrait.volume import AppearanceExtractor
from lipkit.models.vasa.codecs.liveportrait.warping import Warping


class LivePortrait(nn.Module):
    """F, M, W, G and the networks that correct keypoints; eval mode only."""

    def __init__(self, config: LivePortraitConfig) -> None:
        super().__init__()
        self.config = config
        self.appearance = AppearanceExtractor(config.appearance)
        self.motion = MotionExtractor(config.motion)
        self.warping = Warping(config.warp)
        self.decoder = Decoder(config.decoder)
        self.retargeting = Retargeting(config.retargeting, config.motion.points)

    def draw(self, volume: Tensor, driving: Tensor, source: Tensor) -> Tensor:
        """Pictures ``(f, 3, s, s)`` in 0..1 of ``volume (f, c, d, h, w)`` moved by keypoints."""
        return self.decoder(self.warping(volume, driving, source))


def build(config: LivePortraitConfig) -> LivePortrait:
    """Networks with fresh weights."""
    return LivePortrait(config)
