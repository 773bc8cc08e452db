"""From a picture to an appearance: find the face, choose the crop, correct the mouth."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker, person_matte
from lipkit.models.vasa.codecs.mesh.appearance import MeshAppearance, build_appearance
from lipkit.models.vasa.codecs.mesh.calibration import calibrated
from lipkit.models.vasa.codecs.mesh.seam import find_seam
from lipkit.models.vasa.codecs.mesh.shape import FaceShape
from lipkit.models.vasa.codecs.mesh.teeth import find_teeth
from lipkit.models.vasa.codecs.mesh.warp import Box
from lipkit.protocols import Face

Array = NDArray[Any]
Teeth = Literal["auto", "open", "closed"]

CROP_SIDE = 2.3  # face heights
CROP_LIFT = 0.08  # face heights that the crop's middle lies above the face's: room for hair
SMALLEST = 20.0  # pixels between the outer eye corners
MOST_YAW = 35.0  # degrees


def largest_face(image: Array) -> Face:
    """The largest face of ``image (h, w, 3)``."""
    faces = MediapipeTracker(still=True).detect(image[None])[0]
    if not faces:
        raise BadInput(
            "no face in the portrait", hint="use a picture that shows a face from the front"
        )
    return max(faces, key=lambda face: float(np.prod(face.box[2:] - face.box[:2])))


def check_face(points: Array) -> None:
    """Refuses a face too small to draw on or turned too far to warp."""
    frame = mesh.face_frame(points)
    if frame.unit < SMALLEST:
        raise BadInput(
            f"the face is too small: {int(frame.unit)} pixels between the outer eye corners, "
            f"{SMALLEST:.0f} are needed",
            hint="use a larger picture",
        )
    yaw = float(mesh.euler(frame.rotation)[0])
    if abs(yaw) > MOST_YAW:
        raise BadInput(
            f"the face is turned {abs(yaw):.0f} degrees aside, {MOST_YAW:.0f} is the most",
            hint="use a picture taken from the front",
        )


def crop_box(points: Array, width: int, height: int) -> Box:
    """The square of whole pixels, kept in the picture, in which the portrait moves."""
    top, chin = points[mesh.FOREHEAD, :2], points[mesh.CHIN, :2]
    face = float(np.linalg.norm(points[mesh.CHIN] - points[mesh.FOREHEAD]))
    side = max(8, min(round(CROP_SIDE * face), width, height))
    corner = (top + chin) / 2 - (side / 2, side / 2 + CROP_LIFT * face)
    x0 = int(np.clip(round(corner[0]), 0, width - side))
    y0 = int(np.clip(round(corner[1]), 0, height - side))
    return Box(x0, y0, x0 + side, y0 + side)


def take_apart(
    picture: Array, *, alpha: Array | None, face: Face | None, size: int, teeth: Teeth
) -> MeshAppearance:
    """The appearance of a face in ``picture (h, w, 3)``, rendered at most ``size`` large."""
    points = np.asarray((face or largest_face(picture)).points, np.float64)
    check_face(points)
    crop = crop_box(points, picture.shape[1], picture.shape[0])
    scale = min(1.0, size / crop.width)
    image = np.ascontiguousarray(picture[crop.slices])
    matte = person_matte(image) if alpha is None else _unit_alpha(alpha)[crop.slices]
    points = points - [crop.x0, crop.y0, 0]
    if scale < 1:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        matte = cv2.resize(matte, (size, size), interpolation=cv2.INTER_AREA)
        points = points * scale + [(scale - 1) / 2, (scale - 1) / 2, 0]
    shape = mouth_corrected(image, FaceShape(points), teeth)
    return calibrated(build_appearance(picture, crop, image, shape, matte))


def _unit_alpha(alpha: Array) -> Array:
    return alpha.astype(np.float32) / (255 if alpha.dtype == np.uint8 else 1)


def mouth_corrected(image: Array, shape: FaceShape, teeth: Teeth) -> FaceShape:
    """``shape`` with its inner lip contours where the photo has them.

    ``teeth`` "open" believes that teeth show and "closed" that they do not, whatever the picture.
    """
    if shape.open and teeth != "closed":
        return shape
    found = None if teeth == "closed" else find_teeth(image, shape.points, sure=teeth == "open")
    if found is not None:
        return FaceShape(found)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return FaceShape(find_seam(grey, shape.points))
