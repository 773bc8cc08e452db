"""A painted mouth for clips in which nobody opens his own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.models.vasa.codecs.mesh.interior import paint_interior
from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import face_tones
from lipkit.models.vasa.codecs.mesh.warp import Box
from lipkit.models.vasa.editing.donor import LEFT, TOP, Donor, Patch, skin_light
from lipkit.models.vasa.editing.lips import mouth_middle
from lipkit.models.vasa.editing.lower import LowerFace

Array = NDArray[Any]

APERTURE = 0.22  # IOD that the painted mouth is open
PARTING = 0.09  # IOD below its upper edge, where upper teeth end and the rest follows the jaw
NO_COLOURS = np.zeros((0, 3), np.float32)


def painted_donor(lower: LowerFace, face: Array, patch: Patch) -> Donor:
    """What the mesh codec would paint into a frame's mouth, as a donor.

    ``face (478, 3)`` is the clip's mean face-local mesh.
    """
    tones = face_tones(lower.image.astype(np.uint8), FaceShape(lower.points), NO_COLOURS)
    flat = FaceShape((face - patch.origin - [LEFT, TOP, 0]) * patch.scale)
    still = Pose(np.zeros(3), np.zeros((3, 2)), np.zeros(2))
    width, height = patch.size
    interior = paint_interior(flat, tones)
    colour = interior.paint(flat, still, APERTURE, Box(0, 0, width, height))
    upper = float(face[13, 1] - patch.origin[1] - TOP)
    light = skin_light(lower.image, lower.points, float(lower.pose.unit))
    return Donor(
        colour=np.clip(colour, 0, 255).astype(np.float32),
        parting=(upper + PARTING) * patch.scale,
        aperture=APERTURE,
        middle=mouth_middle(face),
        dark=interior.cavity,
        light=light.astype(np.float32),
        worth=0.0,
    )
