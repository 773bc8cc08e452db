"""Settings of the MegaPortraits networks; the defaults are the paper's at 512 pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

PLACES = 4  # side of the maps that codes of a whole face have


@dataclass(frozen=True)
class ResNetConfig:
    """A residual network (He et al. 2015) and the side of the pictures that it sees."""

    depths: tuple[int, ...] = (2, 2, 2, 2)
    width: int = 64
    bottleneck: bool = False
    side: int = 128

    @property
    def leaving(self) -> int:
        """Channels of the last layer."""
        return self.width * 2 ** (len(self.depths) - 1) * (4 if self.bottleneck else 1)


@dataclass(frozen=True)
class DecoderConfig:
    """Flat features to a picture: widths of the body and after each doubling, blocks of each."""

    body: int = 512
    blocks: int = 8
    widths: tuple[int, ...] = (256, 128, 64)
    last_blocks: int = 1  # at the last width


@dataclass(frozen=True)
class EnhancerConfig:
    """G_enh of the HR stage: the parts of the base model again, at twice the size."""

    enlargement: int = 1  # 1: there is none
    widths: tuple[int, ...] = (64, 128, 256, 512)
    decoder: DecoderConfig = field(
        default_factory=lambda: DecoderConfig(widths=(256, 128, 64, 64), last_blocks=2)
    )


@dataclass(frozen=True)
class CodecConfig:
    """All networks of the codec. ``Supplement`` is the paper's, section A."""

    size: int = 512
    widths: tuple[int, ...] = (64, 128, 256, 512)  # E_app: the first layer, and after each halving
    channels: int = 96  # of the volume
    depth: int = 16
    blocks: int = 6  # of the volume in E_app
    code: int = 512  # channels of e_s and of what the warps follow, (code, 4, 4) each
    expression_width: int = 512  # of z
    identity: ResNetConfig = field(
        default_factory=lambda: ResNetConfig((3, 4, 6, 3), bottleneck=True, side=256)
    )
    pose: ResNetConfig = field(default_factory=ResNetConfig)
    expression: ResNetConfig = field(default_factory=ResNetConfig)
    zoom: float = 2.0  # of the face that the expression net sees
    warp: tuple[int, ...] = (256, 128, 64, 32)
    canonical: tuple[int, ...] = (192, 384, 512)  # G3D
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    enhancer: EnhancerConfig = field(default_factory=EnhancerConfig)
    # Whether grids have their corners at -1 and 1 although volumes are looked up otherwise, as the
    # authors' later code has it; small volumes lose their rims by that.
    corners: bool = True
    template: str = "portrait"  # of the crops that are coded

    def __post_init__(self) -> None:
        halvings = len(self.widths) - 1
        if self.size % 2**halvings or self.places != PLACES * 2 ** len(self.warp):
            raise ValueError("warp: as many widths as doublings from 4 to the volume's side")
        if self.depth % PLACES or self.depth & (self.depth - 1) or self.depth > self.places:
            raise ValueError("depth: 4, 8, 16 ..., and no more than the volume's side")
        if len(self.decoder.widths) != halvings:
            raise ValueError("decoder.widths: as many doublings as E_app has halvings")
        larger = self.enhancer.enlargement
        if larger not in (1, 2) or (
            larger == 2 and len(self.enhancer.decoder.widths) != len(self.enhancer.widths)
        ):
            raise ValueError(
                "enhancer: an enlargement of 1 or 2, by one doubling more than halvings"
            )

    @property
    def places(self) -> int:
        """Height and width of the volume."""
        return int(self.size // 2 ** (len(self.widths) - 1))
