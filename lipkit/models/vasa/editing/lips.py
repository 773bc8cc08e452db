"""The lips of one frame before and after the edit, as landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh import modes
from lipkit.models.vasa.codecs.mesh.layout import NATURAL_JAW
from lipkit.models.vasa.codecs.mesh.seam import find_seam
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import smoothstep

Array = NDArray[Any]

TOUCHING = (0.015, 0.03)  # IOD: gaps of lips that surely touch .. surely do not
# IOD of a moved lip's edge that is left out, upper and lower: touching lips' dark seam, parted
# lips' shadow and the teeth that a tracker takes for lip.
TOUCHING_INSET, PARTED_INSET = (0.014, 0.014), (0.012, 0.028)
CORNER_INSET = 0.02  # the same outwards at the corners, whose dark end a tracker cuts off
INSET_FOLLOWS = (1.0, 0.75, 0.4, 0.0)  # of the inset by the rows of a lip, so that none folds
MOVED = 0.08  # change of aperture in IOD from which the whole inset counts


@dataclass(frozen=True)
class Articulation:
    """How this person's landmarks move, ``(478, 3)`` in IOD per unit: one basis for a clip."""

    opening: Array
    width: Array
    profile: Array

    @classmethod
    def of(cls, face: Array) -> Articulation:
        """The articulation of the face-local mesh ``face (478, 3)``."""
        found = modes.face_modes(face)
        whole = found.opening + NATURAL_JAW * found.jaw
        return cls(_keeping(whole, found.profile), _keeping(found.width, 0.0), found.profile)


def _keeping(mode: Array, gaps: Array | float) -> Array:
    """``mode`` with its change of the lips' gap made exactly ``gaps (11,)``."""
    return mode + modes.gap_correction(gaps - modes.row_gaps(mode))


@dataclass(frozen=True)
class Lips:
    """A frame's face: ``points (478, 3)`` in pixels of its box, and the skull's pose there."""

    points: Array
    pose: mesh.FaceFrame

    @cached_property
    def local(self) -> Array:
        """Points ``(478, 3)`` in IOD along the skull's axes."""
        return mesh.to_local(self.points, self.pose)

    @cached_property
    def gaps(self) -> Array:
        """Gaps ``(11,)`` between the inner lips in IOD."""
        return np.clip(modes.row_gaps(self.local), 0, None)

    @property
    def aperture(self) -> float:
        """Gap between the inner lips in IOD, over the centre columns."""
        return float(self.gaps[mesh.LIP_CENTRE].mean())

    @property
    def unit(self) -> float:
        """Pixels per IOD."""
        return float(self.pose.unit)

    @property
    def shape(self) -> FaceShape:
        """The same face as the mesh codec's shape."""
        return FaceShape(self.points)

    @property
    def middle(self) -> float:
        """Where the middle of the mouth lies sideways on the skull, in IOD."""
        return mouth_middle(self.local)

    @property
    def touching(self) -> float:
        """1 for lips that touch, 0 for parted ones."""
        return float(1 - smoothstep(self.aperture, *TOUCHING))


def mouth_middle(local: Array) -> float:
    """Sideways place in IOD of the middle of the mouth with face-local points ``(478, 3)``."""
    ends = local[[mesh.MOUTH_LEFT, mesh.MOUTH_RIGHT], 0].mean()
    return float(0.5 * ends + 0.5 * local[[13, 14], 0].mean())


def seamed(points: Array, pose: mesh.FaceFrame, image: Array) -> Lips:
    """The lips with touching ones meeting on the dark line of ``image (h, w, 3)`` 0..255."""
    lips = Lips(points, pose)
    if not lips.touching:
        return lips
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    snapped = find_seam(grey, points)
    return Lips(points + lips.touching * (snapped - points), pose)


def moved(
    lips: Lips, articulation: Articulation, aperture: float, wider: float, press: float
) -> tuple[Array, Array]:
    """Landmarks ``(478, 2)`` that texture is taken from, and where it goes, in pixels.

    ``aperture`` is absolute, ``wider`` a change, both in IOD; ``press`` 0..1.
    """
    gap = lips.aperture
    change = aperture - gap
    kept = min(aperture / gap, 1.0) if gap > 1e-3 else 1.0
    shift = change * articulation.opening + wider * articulation.width
    if press:
        shift = shift + press * _keeping(modes.press_mode(lips.local), 0.0)
    # Of its own gap a closing mouth keeps a share along all axes: what was left between the lips
    # in depth would show as an opening from above or below.
    wanted = kept * _between(lips.local)
    wanted[:, 1] = aperture * articulation.profile
    wanted[:, 1] += kept * (lips.gaps - gap * articulation.profile)
    if kept < 1:
        shift = shift + _apart(wanted - _between(lips.local + shift))
    target = lips.points + lips.unit * shift @ lips.pose.rotation.T
    return _inset(lips, abs(change))[:, :2], target[:, :2]


def _between(points: Array) -> Array:
    """From the upper to the lower inner lip, ``(11, 3)``."""
    return points[list(mesh.LOWER_LIP_ROWS[0])] - points[list(mesh.UPPER_LIP_ROWS[0])]


def _apart(vectors: Array) -> Array:
    """Landmark displacements ``(478, 3)`` that move the lips apart by ``vectors (11, 3)``."""
    return np.stack([modes.gap_correction(part)[:, 1] for part in vectors.T], -1)


def _inset(lips: Lips, change: float) -> Array:
    """Source landmarks with the inner contours pulled into the lips once these move.

    The pixels along the edge hold the seam's dark line and the mouth's shadow, which else would
    travel with the lip.
    """
    insets = np.array(PARTED_INSET)
    insets = insets + lips.touching * (np.array(TOUCHING_INSET) - insets)
    moving = float(smoothstep(change, 0.0, MOVED))
    insets *= lips.unit * moving
    corner = (1 - lips.touching) * CORNER_INSET * lips.unit * moving
    right, down = lips.pose.rotation[:, 0], lips.pose.rotation[:, 1]
    source = lips.points.copy()
    for upper, lower, share in zip(
        mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS, INSET_FOLLOWS, strict=True
    ):
        source[list(upper[1:-1])] -= share * insets[0] * down
        source[list(lower[1:-1])] += share * insets[1] * down
        source[upper[0]] -= share * corner * right
        source[upper[-1]] += share * corner * right
    return source
