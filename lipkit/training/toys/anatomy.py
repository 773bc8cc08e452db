"""Where the parts of a cartoon's head lie in space and in the picture.

The head is an ellipsoid, its parts are flat pieces on or before it: turned, they shorten and shift
as on a real head. Head axes: x right, y down, z away from the camera, origin in the middle of the
skull, unit IOD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces.mesh import rotation
from lipkit.training.toys.identities import Identity
from lipkit.training.toys.motion import State
from lipkit.training.toys.shapes import Floats, Patch

Array = NDArray[Any]

SCHEME = "dlib68"
UNIT = 0.37  # IOD over the picture's side
RISE = 0.02  # of the head's middle under the picture's, over its side
DEPTH = 0.85  # half axis of the skull from front to back
FLATNESS = 0.45  # faces fall back less towards the chin than ellipsoids do
CHIN_DROP = 0.55  # of the aperture
UPPER_SHARE = 0.3  # of the aperture that the upper lip rises


@dataclass(frozen=True)
class Lips:
    """The mouth's outline under a state, in its own patch."""

    half: float
    inner: float  # half width of the opening
    rise: float
    drop: float
    upper: float
    lower: float
    bow: float
    curl: float

    def arch(self, u: Floats, half: float) -> Floats:
        """A parabola of height 1 over ``-half..half``, zero outside."""
        return np.asarray((1 - (u / half) ** 2).clip(0, None), np.float32)

    def bend(self, u: Floats) -> Floats:
        """How far the corners are drawn up, at ``u``."""
        return np.asarray(-self.curl * 0.3 * u * u / self.half, np.float32)

    def inside(self, u: Floats) -> tuple[Floats, Floats]:
        """Upper and lower edge of the opening."""
        arch, bend = self.arch(u, self.inner), self.bend(u)
        return bend - self.rise * arch, bend + self.drop * arch

    def outside(self, u: Floats) -> tuple[Floats, Floats]:
        """Upper and lower edge of the lips."""
        arch, bend = self.arch(u, self.half), self.bend(u)
        dip = self.bow * self.upper * np.exp(-((u / (0.18 * self.half)) ** 2))
        top = bend - (self.rise + self.upper) * np.sqrt(arch) * arch**0.25 + dip
        return top, bend + (self.drop + self.lower) * arch**0.75


def lips_of(person: Identity, state: State) -> Lips:
    """The lips of a person in a state: stretched lips are thinner, rounded ones thicker."""
    mouth = person.mouth
    half = max(0.1, mouth.width + state.width / 2)
    thick = (1 + 0.35 * state.rounding) * (1 - 0.5 * state.aperture)
    thick *= 1 - 0.8 * (half - mouth.width)
    return Lips(
        half=half,
        inner=half * (0.9 - 0.22 * state.rounding),
        rise=UPPER_SHARE * state.aperture,
        drop=(1 - UPPER_SHARE) * state.aperture,
        upper=mouth.upper * thick,
        lower=mouth.lower * thick,
        bow=mouth.bow,
        curl=mouth.curl + 0.7 * state.smile,
    )


@dataclass(frozen=True)
class Lids:
    """The opening of an eye, in its own patch."""

    half: float
    top: float
    bottom: float
    open_top: float  # where the upper lid is in an open eye
    slant: float

    def curve(self, u: Floats, height: float) -> Floats:
        """A lid's edge that stands ``height`` over the eye's middle (below where negative)."""
        arch = (1 - (u / self.half) ** 2).clip(0, None)
        return np.asarray(self.slant * u - height * arch, np.float32)


def lids_of(person: Identity, blink: float, side: int) -> Lids:
    """The lids of the image-left (-1) or image-right (1) eye, so far shut."""
    eyes = person.eyes
    shut = -0.45 * eyes.height  # where the lids meet
    opened = 1 - blink
    return Lids(
        half=eyes.width,
        top=shut + opened * (eyes.height - shut),
        bottom=shut + opened * (-0.9 * eyes.height - shut),
        open_top=eyes.height,
        slant=side * eyes.slant,
    )


class Head:
    """A head in a picture of ``size`` (height, width): where its points and patches come to lie."""

    def __init__(self, person: Identity, state: State, size: tuple[int, int]) -> None:
        self.person, self.state, self.size = person, state, size
        h, w = size
        self.unit = UNIT * min(h, w)  # pixels, of the body
        self.zoom = self.unit * (1 + state.scale)
        self.middle = np.array(
            [
                (w - 1) / 2 + self.unit * state.x,
                (h - 1) / 2 + RISE * min(h, w) + self.unit * state.y,
            ]
        )
        self.turn = rotation(np.array([state.yaw, state.pitch, state.roll]))
        self.drop = CHIN_DROP * state.aperture

    def project(self, points: Array) -> Array:
        """Pixels ``(..., 2)`` of head points ``(..., 3)``."""
        return np.asarray(points @ self.turn[:2].T * self.zoom + self.middle)

    def surface(self, x: Array, y: Array) -> Array:
        """Depth of the face at ``(x, y)``."""
        skull = self.person.skull
        inside = 1 - (x / skull.width) ** 2 - FLATNESS * (y / skull.height) ** 2
        return np.asarray(-DEPTH * np.sqrt(np.maximum(inside, 0.02)))

    def plane(self, x: float, y: float, before: float = 0.0) -> tuple[Array, Array]:
        """Origin ``(3,)`` and axes ``(3, 2)`` of the plane that touches the face at ``(x, y)``.

        It may float so far ``before`` the face.
        """
        skull = self.person.skull
        z = float(self.surface(np.asarray(x), np.asarray(y)))
        slope_x = DEPTH**2 * x / skull.width**2 / -z
        slope_y = DEPTH**2 * FLATNESS * y / skull.height**2 / -z
        axes = np.array([[1, 0], [0, 1], [slope_x, slope_y]])
        return np.array([x, y, z - before]), axes

    def patch(self, x: float, y: float, before: float = 0.0) -> Patch:
        """The flat piece that touches the face at ``(x, y)``, or floats so far before it."""
        origin, axes = self.plane(x, y, before)
        return Patch(self.project(origin), self.turn[:2] @ axes * self.zoom)

    def ellipsoid(
        self, centre: tuple[float, float, float], axes: tuple[float, float, float]
    ) -> Patch:
        """The outline of an ellipsoid: the unit circle of this patch."""
        spread = self.turn[:2] * np.array(axes)
        outline = np.linalg.cholesky(spread @ spread.T) * self.zoom
        return Patch(self.project(np.array(centre)), outline)

    def body(self) -> Patch:
        """The plane of the shoulders, which follow the head half-way and do not turn."""
        h, w = self.size
        rest = np.array([(w - 1) / 2, (h - 1) / 2 + RISE * min(h, w)])
        return Patch((rest + self.middle) / 2, np.eye(2) * self.unit)

    @cached_property
    def skull(self) -> Patch:
        """Outline of the skull."""
        shape = self.person.skull
        return self.ellipsoid((0, 0, 0), (shape.width, shape.height, DEPTH))

    @cached_property
    def jaw(self) -> Patch:
        """Outline of the jaw, which drops with the lower lip."""
        shape = self.person.skull
        centre = (0.0, shape.jaw_drop + 0.5 * self.drop, -0.12)
        height = shape.jaw_height + 0.5 * self.drop
        return self.ellipsoid(centre, (shape.jaw_width, height, 0.68))

    @cached_property
    def mouth(self) -> Patch:
        """The patch of the lips."""
        return self.patch(*self.mouth_place)

    @property
    def mouth_place(self) -> tuple[float, float, float]:
        """Where the lips' plane touches the face, and how far before it they are."""
        return 0.0, self.person.mouth.y, 0.06 + 0.05 * self.state.rounding

    def eye(self, side: int) -> Patch:
        """The patch of the image-left (-1) or image-right (1) eye."""
        return self.patch(*self.eye_place(side))

    def eye_place(self, side: int) -> tuple[float, float]:
        """Where the plane of an eye touches the face."""
        return side * self.person.eyes.apart, -0.02

    def gaze_place(self, side: int) -> tuple[float, float]:
        """The middle of the iris in the patch of its eye."""
        eyes, state = self.person.eyes, self.state
        x = 0.5 * eyes.width * state.gaze_x / 14
        return x, 0.5 * eyes.height * state.gaze_y / 14 + side * eyes.slant * x

    def brow(self, side: int) -> Patch:
        """The patch of a brow."""
        return self.patch(*self.brow_place(side))

    def brow_place(self, side: int) -> tuple[float, float, float]:
        """Where the plane of a brow touches the face, and how far before it the brow is."""
        eyes = self.person.eyes
        return side * eyes.apart, -0.02 - eyes.brow_height - 0.13 * self.state.brow, 0.03

    def brow_curve(self, u: Floats, side: int) -> Floats:
        """The middle of a brow in its patch."""
        eyes = self.person.eyes
        arch = 1 - (u / (1.15 * eyes.width)) ** 2
        return np.asarray(side * eyes.brow_tilt * u - eyes.brow_arch * arch, np.float32)
