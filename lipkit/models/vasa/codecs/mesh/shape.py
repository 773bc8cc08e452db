"""The tracked face of a portrait, in crop pixels and in face-local units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh import modes
from lipkit.models.vasa.codecs.mesh.pose import soft_limit

Array = NDArray[Any]

OPEN_GAP = 0.03  # IOD; lips tracked nearer touch, a mouth open wider shows its inside
FREE_APERTURE, SPARE_APERTURE = 0.28, 0.07  # IOD; wider, skin would fold on itself
COEFFICIENTS = ("opening", "sealing", "jaw", "width", "press", "brow")


@dataclass(frozen=True)
class FaceShape:
    """FaceMesh ``points (478, 3)`` of the photo in crop pixels, seam corrected."""

    points: Array

    @cached_property
    def frame(self) -> mesh.FaceFrame:
        """The face-local frame in crop pixels."""
        return mesh.face_frame(self.points)

    @property
    def unit(self) -> float:
        """Pixels per IOD."""
        return float(self.frame.unit)

    @cached_property
    def local(self) -> Array:
        """Face-local points ``(478, 3)`` in IOD."""
        return mesh.to_local(self.points, self.frame)

    @cached_property
    def height(self) -> float:
        """Pixels from the top of the forehead to the chin, in the picture's plane."""
        return float(np.linalg.norm(self.points[mesh.CHIN, :2] - self.points[mesh.FOREHEAD, :2]))

    @cached_property
    def gaps(self) -> Array:
        """Gaps ``(11,)`` between the inner lips in IOD."""
        return modes.row_gaps(self.local)

    @property
    def gap(self) -> float:
        """The photo's own aperture in IOD."""
        return max(0.0, float(self.gaps[mesh.LIP_CENTRE].mean()))

    @property
    def open(self) -> bool:
        """Whether the photo shows the inside of the mouth."""
        return self.gap > OPEN_GAP

    @property
    def ear_depth(self) -> float:
        """Face-local depth of the ears in IOD."""
        return float(self.local[[234, 454], 2].mean())

    @cached_property
    def basis(self) -> Array:
        """Landmark displacements ``(k, 478, 3)`` in pixels per unit of each of ``COEFFICIENTS``.

        Each keeps the gap between the lips exact: ``opening`` widens it by the profile alone,
        ``sealing`` takes away what the photo's own gap has over the profile, the rest leaves it.
        """
        found = modes.face_modes(self.local)
        press = modes.press_mode(self.local)

        def keeping(mode: Array, gaps: Array | float = 0.0) -> Array:
            return mode + modes.gap_correction(gaps - modes.row_gaps(mode))

        sealing = modes.gap_correction(self.gaps - self.gap * found.profile)
        local = np.stack(
            [
                keeping(found.opening, found.profile),
                sealing,
                keeping(found.jaw),
                keeping(found.width),
                keeping(press),
                found.brow,
            ]
        )
        return self.unit * local @ self.frame.rotation.T

    def coefficients(self, motion: dict[str, float], gain: float = 1.0) -> Array:
        """Weights ``(k,)`` of ``basis`` that give ``motion``'s face, opened by ``gain`` more."""
        aperture = max(motion["aperture"], 0.0)
        aperture += (gain - 1) * max(aperture - self.gap, 0.0)
        aperture = soft_limit(aperture, max(FREE_APERTURE, self.gap), SPARE_APERTURE)
        share = min(aperture / self.gap, 1.0) if self.gap > 1e-3 else 1.0
        jaw = motion["jaw"] - modes.NATURAL_JAW * self.gap
        rest = (jaw, motion["width"], motion["press"], motion["brow"])
        return np.array([aperture - self.gap, share - 1, *rest], np.float32)
