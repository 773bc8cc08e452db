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
from lipkit.models.vasa.codecs.mesh.seam import CLOSED_GAP, find_seam
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.warp import smoothstep

Array = NDArray[Any]

TOUCHING = (0.5 * CLOSED_GAP, CLOSED_GAP)  # IOD: gaps of lips that surely touch .. surely do not
INSET = 0.014, 0.006  # IOD of a moved lip's edge left out, touching and parted: seam and shadow
MOVED = 0.04  # change of aperture in IOD from which the whole inset counts


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
    def touching(self) -> float:
        """1 for lips that touch, 0 for parted ones."""
        return float(1 - smoothstep(self.aperture, *TOUCHING))


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
    gap, gaps = lips.aperture, lips.gaps
    change = aperture - gap
    kept = min(aperture / gap, 1.0) if gap > 1e-3 else 1.0
    shift = change * articulation.opening + wider * articulation.width
    # Lips that open keep what their own gap has over the usual profile; closing ones lose it all.
    shift = shift + modes.gap_correction((kept - 1) * (gaps - gap * articulation.profile))
    if press:
        shift = shift + press * _keeping(modes.press_mode(lips.local), 0.0)
    target = lips.points + lips.unit * shift @ lips.pose.rotation.T
    return _inset(lips, abs(change))[:, :2], target[:, :2]


def _inset(lips: Lips, change: float) -> Array:
    """Source landmarks with the inner contours pulled into the lips once these move.

    The pixels along the edge hold the seam's dark line and the mouth's shadow, which else would
    travel with the lip.
    """
    touching = lips.touching
    inset = touching * INSET[0] + (1 - touching) * INSET[1]
    inset *= lips.unit * float(smoothstep(change, 0.0, MOVED))
    down = lips.pose.rotation[:, 1]
    source = lips.points.copy()
    source[list(mesh.UPPER_LIP_ROWS[0][1:-1])] -= inset * down
    source[list(mesh.LOWER_LIP_ROWS[0][1:-1])] += inset * down
    return source
