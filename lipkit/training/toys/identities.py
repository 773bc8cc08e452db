"""Who a cartoon is: shapes and colours that follow from a number."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]
Rng = np.random.Generator

SKINS = ((255, 224, 196), (241, 194, 154), (224, 172, 120), (188, 132, 92), (141, 90, 62),
         (98, 62, 46))  # fmt: skip
HAIRS = ((28, 24, 28), (70, 44, 30), (122, 78, 44), (214, 176, 96), (178, 82, 34), (150, 150, 156),
         (60, 70, 130), (40, 110, 96))  # fmt: skip
IRISES = ((60, 110, 170), (70, 130, 80), (110, 70, 40), (50, 50, 60), (120, 90, 160))
STYLES = ("bald", "cap", "long", "cloud", "bun", "spikes")
PATTERNS = ("plain", "stripes", "collar", "dots")
BACKDROPS = ("plain", "gradient", "stripes", "window", "spots")


@dataclass(frozen=True)
class Skull:
    """Half axes of skull and jaw, in distances of the outer eye corners, as all lengths here."""

    width: float
    height: float
    jaw_width: float
    jaw_drop: float  # of the jaw's centre under the skull's
    jaw_height: float
    ears: float


@dataclass(frozen=True)
class Eyes:
    """Where an eye is beside the middle, its half width and height, and its iris."""

    apart: float
    width: float
    height: float
    iris: float
    slant: float
    brow_height: float
    brow_width: float
    brow_arch: float
    brow_tilt: float


@dataclass(frozen=True)
class Mouth:
    """The mouth at rest: half width, lips, and where it is under the middle of the head."""

    y: float
    width: float
    upper: float
    lower: float
    bow: float
    curl: float


@dataclass(frozen=True)
class Looks:
    """What is worn and grown."""

    style: str
    hairline: float
    parting: float
    volume: float
    beard: bool
    moustache: bool
    glasses: bool
    pattern: str
    backdrop: str
    nose: str
    nose_size: float
    neck: float


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours ``(3,)``, 0..255."""

    skin: Colour
    hair: Colour
    lips: Colour
    iris: Colour
    brows: Colour
    clothes: Colour
    trim: Colour
    backdrop: Colour
    backdrop2: Colour
    glasses: Colour
    light: float  # from the left if negative


@dataclass(frozen=True, eq=False)
class Identity:
    """One cartoon person."""

    number: int
    skull: Skull
    eyes: Eyes
    mouth: Mouth
    looks: Looks
    palette: Palette


def rgb(hue: float, saturation: float, value: float) -> Colour:
    """A colour ``(3,)``, 0..255."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32) * 255


@lru_cache(maxsize=4096)
def identity(number: int) -> Identity:
    """Cartoon person ``number``."""
    rng = np.random.default_rng((number, 0x1D))
    skull, eyes, mouth = _skull(rng), _eyes(rng), _mouth(rng)
    return Identity(number, skull, eyes, mouth, _looks(rng), _palette(rng))


def _skull(rng: Rng) -> Skull:
    width = rng.uniform(0.76, 0.92)
    return Skull(
        width=width,
        height=rng.uniform(0.92, 1.08),
        jaw_width=width * rng.uniform(0.72, 0.97),
        jaw_drop=rng.uniform(0.38, 0.5),
        jaw_height=rng.uniform(0.62, 0.78),
        ears=rng.uniform(0.12, 0.2),
    )


def _eyes(rng: Rng) -> Eyes:
    width = rng.uniform(0.19, 0.225)
    return Eyes(
        apart=0.5 - width,
        width=width,
        height=rng.uniform(0.12, 0.18),
        iris=rng.uniform(0.085, 0.11),
        slant=rng.uniform(-0.1, 0.1),
        brow_height=rng.uniform(0.26, 0.34),
        brow_width=rng.uniform(0.03, 0.06),
        brow_arch=rng.uniform(0.02, 0.08),
        brow_tilt=rng.uniform(-0.12, 0.12),
    )


def _mouth(rng: Rng) -> Mouth:
    return Mouth(
        y=rng.uniform(0.58, 0.66),
        width=rng.uniform(0.35, 0.42),
        upper=rng.uniform(0.05, 0.085),
        lower=rng.uniform(0.06, 0.105),
        bow=rng.uniform(0.0, 0.35),
        curl=rng.uniform(-0.15, 0.2),
    )


def _looks(rng: Rng) -> Looks:
    return Looks(
        style=str(rng.choice(STYLES)),
        hairline=rng.uniform(-0.66, -0.5),
        parting=rng.uniform(-0.25, 0.25),
        volume=rng.uniform(1.05, 1.18),
        beard=bool(rng.random() < 0.2),
        moustache=bool(rng.random() < 0.2),
        glasses=bool(rng.random() < 0.25),
        pattern=str(rng.choice(PATTERNS)),
        backdrop=str(rng.choice(BACKDROPS)),
        nose=str(rng.choice(("round", "long", "wide"))),
        nose_size=rng.uniform(0.85, 1.2),
        neck=rng.uniform(0.3, 0.42),
    )


def _palette(rng: Rng) -> Palette:
    place = rng.uniform(0, len(SKINS) - 1.001)
    below, part = int(place), place % 1
    tones = np.array(SKINS)
    skin = _clipped(tones[below] * (1 - part) + tones[below + 1] * part + rng.uniform(-8, 8, 3))
    hair = np.array(HAIRS)[rng.integers(len(HAIRS))] * rng.uniform(0.8, 1.15)
    # Lips must stand out from any skin.
    lips = 0.35 * skin + 0.65 * rgb(rng.uniform(0.94, 1.0), rng.uniform(0.6, 0.8), 0.78)
    cloth, wall = rng.uniform(), rng.uniform(0.25, 0.9)
    first = rgb(wall, rng.uniform(0.12, 0.5), rng.uniform(0.45, 0.95))
    second = rgb(wall + rng.uniform(-0.12, 0.12), rng.uniform(0.1, 0.5), rng.uniform(0.35, 0.9))
    return Palette(
        skin=skin,
        hair=_clipped(hair),
        lips=_clipped(lips * rng.uniform(0.85, 1.0)),
        iris=_clipped(np.array(IRISES)[rng.integers(len(IRISES))] * rng.uniform(0.8, 1.2)),
        brows=_clipped(hair * 0.75),
        clothes=rgb(cloth, rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9)),
        trim=rgb(cloth + 0.45, rng.uniform(0.2, 0.7), rng.uniform(0.5, 1.0)),
        backdrop=first,
        backdrop2=second,
        glasses=rgb(rng.uniform(), 0.5, 0.25),
        light=float(rng.uniform(-1, 1)),
    )


def _clipped(colour: NDArray[Any]) -> Colour:
    return np.asarray(colour.clip(0, 255), np.float32)
