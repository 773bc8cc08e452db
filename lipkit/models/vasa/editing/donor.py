"""The speaker's own open mouth, kept in the skull's coordinates and lent to other frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.tones import LUMA
from lipkit.models.vasa.codecs.mesh.warp import polygon_mask

Array = NDArray[Any]

# The patch in IOD about its origin, the usual middle of the upper inner lip.
LEFT, TOP, ACROSS, DOWN = -0.45, -0.16, 0.90, 0.72
FINEST = 420.0  # pixels per IOD
BEHIND = 0.03  # IOD that teeth lie behind the lips' edge
CLEAR = 0.012  # IOD of a donor's rim left out: lips blur into it
SOFT = 0.012  # IOD over which its edge fades
SKIN = (205, 425, 216, 436, 18, 200, 164, 204, 424)  # points whose colour tells the light


@dataclass(frozen=True)
class Patch:
    """Where a patch lies on the skull: ``origin (3,)`` in IOD, ``scale`` pixels per IOD."""

    origin: Array
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Pixels across and down."""
        return round(ACROSS * self.scale), round(DOWN * self.scale)

    def affine(self, pose: mesh.FaceFrame) -> Array:
        """Matrix ``(2, 3)`` from patch to picture pixels under the full pose of a skull."""
        corner = self.origin + [LEFT, TOP, 0]
        corners = np.stack([corner, corner + [1, 0, 0], corner + [0, 1, 0]])
        placed = mesh.from_local(corners, pose)[:, :2]
        right, down = (placed[1:] - placed[0]) / self.scale
        return np.stack([right, down, placed[0]], 1)


@dataclass(frozen=True)
class Donor:
    """A mouth's inside: ``colour (h, w, 3)`` and ``mask (h, w)`` over the patch, both float32.

    ``dark (3,)`` is the colour of its depth, ``light (3,)`` that of the skin around it.
    """

    colour: Array
    mask: Array
    dark: Array
    light: Array


def inner_outline(points: Array) -> Array:
    """The inner lips as a polygon ``(20, 2)``."""
    rows = mesh.UPPER_LIP_ROWS[0] + mesh.LOWER_LIP_ROWS[0][-2:0:-1]
    return points[list(rows), :2]


def skin_light(image: Array, points: Array, unit: float) -> Array:
    """Mean colour ``(3,)`` of the skin around the mouth in ``image (h, w, 3)``."""
    reach = max(1, round(0.02 * unit))
    high = np.array(image.shape[1::-1]) - 1
    places = np.clip(np.round(points[list(SKIN), :2]).astype(int), 0, high)
    squares = [
        image[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        for x, y in places
    ]
    return np.median([square.reshape(-1, 3).mean(0) for square in squares], axis=0)


def unwrap(image: Array, points: Array, pose: mesh.FaceFrame, patch: Patch) -> Donor:
    """The inside of the mouth in ``image (h, w, 3)`` float32, as a donor."""
    inverse = cv2.WARP_INVERSE_MAP
    affine = patch.affine(pose)
    colour = cv2.warpAffine(
        image, affine, patch.size, flags=cv2.INTER_CUBIC | inverse, borderMode=cv2.BORDER_REPLICATE
    )
    back = cv2.invertAffineTransform(affine)
    outline = inner_outline(points) @ back[:, :2].T + back[:, 2]
    mask = polygon_mask(patch.size[::-1], outline, 0)
    radius = max(1, round(CLEAR * patch.scale))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    mask = cv2.erode(mask, ellipse)
    seen = colour[mask > 0.7]
    light = skin_light(image, points, float(pose.unit))
    if len(seen):
        grey = seen @ LUMA
        dark = seen[grey <= np.quantile(grey, 0.15)].mean(0)
    else:
        dark = 0.15 * light
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, SOFT * patch.scale))
    return Donor(np.clip(colour, 0, 255), soft, dark.astype(np.float32), light.astype(np.float32))


def lend(donor: Donor, patch: Patch, pose: mesh.FaceFrame, light: Array, box: Any) -> Array:
    """The donor's mouth under another pose and ``light (3,)``, over ``box``: ``(h, w, 3)``."""
    affine, size = patch.affine(pose), (box.width, box.height)
    colour = cv2.warpAffine(
        donor.colour, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.warpAffine(donor.mask, affine, size)[..., None]
    gain = np.clip(light / np.maximum(donor.light, 1.0), 0.4, 2.5).astype(np.float32)
    return (donor.dark + mask * (colour - donor.dark)) * gain
