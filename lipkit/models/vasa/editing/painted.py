"""A painted mouth for clips in which nobody opens his own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.interior import paint_interior
from lipkit.models.vasa.codecs.mesh.pose import Pose
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.tones import face_tones
from lipkit.models.vasa.codecs.mesh.warp import Box
from lipkit.models.vasa.editing.donor import LEFT, TOP, Donor, Patch, skin_light
from lipkit.models.vasa.editing.lips import mouth_middle

Array = NDArray[Any]

APERTURE = 0.22  # IOD that the painted mouth is open
PARTING = 0.09  # IOD below its upper edge, where upper teeth end and the rest follows the jaw
NO_COLOURS = np.zeros((0, 3), np.float32)


def painted_donor(image: Array, points: Array, face: Array, patch: Patch) -> Donor:
    """What the mesh codec would paint into ``image (h, w, 3)`` 0..255, as a donor.

    ``points (478, 3)`` lie in its pixels; ``face (478, 3)`` is the clip's mean face-local mesh.
    """
    shape = FaceShape(points)
    tones = face_tones(image.astype(np.uint8), shape, NO_COLOURS)
    flat = FaceShape((face - patch.origin - [LEFT, TOP, 0]) * patch.scale)
    still = Pose(np.zeros(3), np.zeros((3, 2)), np.zeros(2))
    width, height = patch.size
    colour = paint_interior(flat, tones).paint(flat, still, APERTURE, Box(0, 0, width, height))
    upper = float(face[13, 1] - patch.origin[1] - TOP)
    return Donor(
        colour=np.clip(colour, 0, 255).astype(np.float32),
        parting=(upper + PARTING) * patch.scale,
        aperture=APERTURE,
        middle=mouth_middle(face),
        light=skin_light(image, points, float(mesh.face_frame(points).unit)).astype(np.float32),
        worth=0.0,
    )
