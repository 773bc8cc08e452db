"""The speaker's own open mouth, kept in the skull's coordinates and lent to other frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.tones import LUMA
from lipkit.models.vasa.codecs.mesh.warp import Box, polygon_mask, smoothstep
from lipkit.models.vasa.editing.lips import Lips, mouth_middle
from lipkit.models.vasa.editing.lower import LowerFace

Array = NDArray[Any]

# The patch in IOD about its origin, the usual middle of the upper inner lip.
LEFT, TOP, ACROSS, DOWN = -0.45, -0.16, 0.90, 0.72
FINEST = 420.0  # pixels per IOD
BEHIND = 0.03  # IOD that teeth lie behind the lips' edge
CLEAR = 0.02  # IOD of a donor's rim left out: lips reach into it
SIDES = 0.06  # IOD beyond a donor's sides over which it turns as dark as its depth
SOFT = 0.012  # IOD of blur where it is continued
JAW_FOLLOWS = 0.75  # of an opening, by the lower teeth
DIMMED = 0.8  # of the way to the mouth's depth that the lower part turns while the mouth closes
PARTING = (0.25, 0.75)  # of a donor's height: where its upper and lower teeth may part
TINTED = 0.4  # power of the skin's change of hue that teeth take
SKIN = (205, 425, 216, 436, 18, 200, 164, 204, 424)  # points whose colour tells the light
TOOTH, PALE = 0.5, 0.85  # teeth: luminance and saturation over the skin's
DEEP_OPEN = 0.25  # aperture in IOD of mouths that show all that speech shows
GLOSS = 0.10  # IOD, width of a gleam on a lip
UPPER_EDGE, LOWER_EDGE = 0.03, 0.06  # IOD in from the tracked edge where lips may still show


@dataclass(frozen=True)
class Patch:
    """Where a patch lies on the skull: ``origin (3,)`` in IOD, ``scale`` pixels per IOD."""

    origin: Array
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        """Pixels across and down."""
        return round(ACROSS * self.scale), round(DOWN * self.scale)

    def affine(self, pose: mesh.FaceFrame, aside: float = 0.0) -> Array:
        """Matrix ``(2, 3)`` from patch to picture pixels under the full pose of a skull.

        ``aside`` moves the patch sideways on the skull, in IOD.
        """
        corner = self.origin + np.array([LEFT + aside, TOP, 0])
        corners = corner + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
        placed = mesh.from_local(corners, pose)[:, :2]
        right, down = (placed[1:] - placed[0]) / self.scale
        return np.stack([right, down, placed[0]], 1)


@dataclass(frozen=True)
class Donor:
    """A mouth's inside ``colour (h, w, 3)`` float32 over the patch, continued beyond its lips.

    ``parting`` is the row between what hangs on the skull and what lies on the jaw, ``aperture``
    how far that mouth was open and ``middle`` where its middle was on the skull, in IOD, ``dark
    (3,)`` the colour of its depth, ``light (3,)`` that of the skin around it;
    ``worth`` how much it shows.
    """

    colour: Array
    parting: float
    aperture: float
    middle: float
    dark: Array
    light: Array
    worth: float


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


def unwrap(lower: LowerFace, patch: Patch) -> Donor | None:
    """The inside of a frame's mouth as a donor; None if too little of it shows."""
    image, points, unit = lower.image, lower.points, float(lower.pose.unit)
    affine = patch.affine(lower.pose)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    colour = cv2.warpAffine(image, affine, patch.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    back = cv2.invertAffineTransform(affine)
    outline = inner_outline(points) @ back[:, :2].T + back[:, 2]
    mask = polygon_mask(patch.size[::-1], outline, 0)
    radius = max(1, round(CLEAR * patch.scale))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    colour = np.clip(colour, 0, 255)
    inside = cv2.erode(mask, ellipse) > 0.7
    if inside.any(0).sum() < 8:
        return None
    inside = _without_lips(colour, inside, lip_colour(image, points, unit), patch.scale)
    if inside.any(0).sum() < 8:
        return None
    light = skin_light(image, points, unit)
    grey = colour @ LUMA.astype(np.float32)
    seen = colour[inside]
    dark = seen[grey[inside] <= np.quantile(grey[inside], 0.1)].mean(0)
    parting, aperture = _parting(grey, inside), float(mesh.aperture(points))
    worth = float(inside.sum()) * (0.5 + min(1.0, 4 * _toothy(colour, inside, parting, light)))
    worth *= min(1.0, aperture / DEEP_OPEN) * _sharpness(grey, inside)
    return Donor(
        colour=_continued(colour, inside, dark, patch.scale),
        dark=dark.astype(np.float32),
        parting=parting,
        aperture=aperture,
        middle=mouth_middle(mesh.to_local(points, lower.pose)),
        light=light.astype(np.float32),
        worth=worth,
    )


def _toothy(colour: Array, inside: Array, parting: float, light: Array) -> float:
    """Share of ``inside (h, w)`` that shows upper teeth: bright, and paler than skin is.

    Below the ``parting`` a wet lip's gleam looks the same.
    """
    bright = colour @ LUMA.astype(np.float32) > TOOTH * float(light @ LUMA)
    teeth = inside & bright & (colourful(colour) < PALE * colourful(light))
    return float(teeth[: round(parting)].sum() / inside.sum())


def colourful(colour: Array) -> Array:
    """Saturation of colours ``(..., 3)``: their spread over their mean."""
    return np.asarray(np.ptp(colour, axis=-1) / np.maximum(colour.mean(-1), 1.0))


def lip_colour(image: Array, points: Array, unit: float) -> Array:
    """Median colour ``(3,)`` of the lower lip in ``image (h, w, 3)``."""
    rows = mesh.LOWER_LIP_ROWS[1][3:8] + mesh.LOWER_LIP_ROWS[2][3:8]
    soft = cv2.GaussianBlur(image, (0, 0), max(0.5, 0.01 * unit))
    high = np.array(image.shape[1::-1]) - 1
    x, y = np.clip(np.round(points[list(rows), :2]).astype(int), 0, high).T
    return np.asarray(np.median(soft[y, x], axis=0))


def _without_lips(colour: Array, inside: Array, lip: Array, scale: float) -> Array:
    """``inside (h, w)`` without the lips' edges that a tracker left in it.

    Each column loses what looks more like lip than like the mouth's depth, from its ends inwards
    and not far: a tongue lost with it does no harm.
    """
    dark = np.quantile(colour[inside], 0.1, axis=0)
    like = np.linalg.norm(colour - lip, axis=-1) < np.linalg.norm(colour - dark, axis=-1)
    chroma = np.ptp(colour, axis=-1) / np.maximum(colour.mean(-1), 1.0)
    like &= chroma > 0.6 * float(np.ptp(lip) / max(float(lip.mean()), 1.0))
    kept = inside.copy()
    around = max(3, round(GLOSS * scale))
    for flip, reach in ((1, UPPER_EDGE), (-1, LOWER_EDGE)):
        rows, lips = inside[::flip], like[::flip]
        edge = np.logical_and.accumulate(lips | ~rows, 0)
        lost = (edge & rows).sum(0)
        # A gleam on a lip is pale: what hides it is known from the columns beside it.
        near = gaussian_filter1d(maximum_filter1d(lost, around).astype(float), around / 2)
        lost = np.minimum(np.maximum(lost, near), reach * scale)
        kept &= ~(np.cumsum(rows, 0) <= lost)[::flip]
    return kept


def _continued(colour: Array, inside: Array, dark: Array, scale: float) -> Array:
    """``colour`` with what lies outside ``inside (h, w)`` continued from it.

    Columns repeat their last pixel: teeth go on behind the lips. Sideways it grows dark.
    """
    height, width = inside.shape
    columns = np.flatnonzero(inside.any(0))
    near = columns[np.clip(np.searchsorted(columns, np.arange(width)), 0, len(columns) - 1)]
    top, bottom = inside.argmax(0)[near], height - 1 - inside[::-1].argmax(0)[near]
    rows = np.clip(np.arange(height)[:, None], top, bottom)
    whole = colour[rows, near]
    aside = np.abs(np.arange(width) - near) / (SIDES * scale)
    whole = whole + np.clip(aside, 0, 1)[None, :, None] * (dark - whole)
    soft = cv2.GaussianBlur(whole, (0, 0), max(0.5, SOFT * scale))
    blend = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), max(0.5, 0.5 * SOFT * scale))
    return np.asarray(soft + blend[..., None] * (whole - soft), np.float32)


def _parting(grey: Array, inside: Array) -> float:
    """The darkest row of the mouth's middle: the cavity, or the line where teeth meet."""
    columns = np.flatnonzero(inside.any(0))
    third = max(1, len(columns) // 3)
    middle = columns[third : len(columns) - third] if len(columns) > 2 else columns
    rows = np.flatnonzero(inside[:, middle].mean(1) > 0.5)
    if len(rows) < 4:
        return float(np.flatnonzero(inside.any(1)).mean())
    low, high = (rows[0] + share * (rows[-1] - rows[0]) for share in PARTING)
    rows = np.arange(int(low), int(high) + 1)
    return float(rows[grey[rows][:, middle].mean(1).argmin()])


def _sharpness(grey: Array, inside: Array) -> float:
    """Mean contrast of neighbouring pixels inside, in grey levels, damped."""
    edges = np.abs(cv2.Laplacian(grey.astype(np.float32), cv2.CV_32F))[inside]
    return float(np.sqrt(1 + edges.mean()))


def lend(donor: Donor, patch: Patch, lips: Lips, aperture: float, light: Array, box: Box) -> Array:
    """The donor's mouth in the frame of ``lips``, at an ``aperture`` and ``light (3,)``.

    ``(h, w, 3)`` over ``box``; upper teeth stay with the skull, the lower part follows the jaw.
    """
    affine = patch.affine(lips.pose, lips.middle - donor.middle)
    back = cv2.invertAffineTransform(affine).astype(np.float32)
    upper = box.pixels @ back[:, :2].T + back[:, 2]
    lower = upper.copy()
    drop = JAW_FOLLOWS * (aperture - donor.aperture) * patch.scale
    np.maximum(lower[..., 1] - drop, donor.parting, out=lower[..., 1])
    soft = max(0.7, SOFT * patch.scale)
    below = smoothstep(upper[..., 1] - donor.parting, -soft, soft).astype(np.float32)
    parts = [
        cv2.remap(donor.colour, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for where in (lower, upper)
    ]
    # Less light falls onto tongue and lower teeth of a mouth less open; upper teeth stand before.
    parts[0] += DIMMED * max(0.0, 1 - aperture / donor.aperture) * (donor.dark - parts[0])
    whole = cv2.blendLinear(*parts, below, 1 - below)
    # Jaws further apart than the donor's bare the mouth's depth between the teeth.
    bared = below * smoothstep(donor.parting + drop - upper[..., 1], 0, 2 * soft)
    whole += (bared * min(1.0, max(0.0, drop) / (3 * soft)))[..., None] * (donor.dark - whole)
    return np.asarray(whole * _gain(light, donor.light), np.float32)


def _gain(light: Array, before: Array) -> Array:
    """Factors ``(3,)`` from the light ``before`` to ``light``; hues follow in part.

    Skin flushes and its samples wander, which teeth must not show as a tint.
    """
    whole = float(light @ LUMA) / max(float(before @ LUMA), 1.0)
    hue = np.maximum(light, 1.0) / np.maximum(before, 1.0) / max(whole, 1e-3)
    return np.asarray(np.clip(whole, 0.4, 2.5) * np.clip(hue, 0.5, 2.0) ** TINTED, np.float32)
