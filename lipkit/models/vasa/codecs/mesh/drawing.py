"""One frame of a portrait under a motion."""

from __future__ import annotations

from typing import Any

import cv2
from numpy.typing import NDArray

from lipkit.models.vasa.codecs.mesh.appearance import MeshAppearance
from lipkit.models.vasa.codecs.mesh.eyeball import iris_turn
from lipkit.models.vasa.codecs.mesh.eyes import draw_eye
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.codecs.mesh.mouth import draw_mouth
from lipkit.models.vasa.codecs.mesh.pose import head_pose

Array = NDArray[Any]

LID_FOLLOWS = 0.012  # of its way per degree that the eye looks down: a lid rides on the eyeball


def draw_frame(appearance: MeshAppearance, row: Array) -> Array:
    """The crop ``(S, S, 3)`` of ``appearance`` under one motion ``row (c,)``.

    Layers, back to front: the background behind the head, the head with its upper lip, the inside
    of the mouth, the lower lip and chin, the eyeballs, the eyelids.
    """
    motion = dict(zip(MESH_LAYOUT.channels, map(float, row), strict=True))
    shape, image = appearance.shape, appearance.image
    coefficients = shape.coefficients(motion, appearance.gains.aperture)
    pose = head_pose(shape.frame, appearance.pivot, motion, appearance.gains)
    field = appearance.field
    where = field.backward(field.displacement(coefficients, pose))
    out = cv2.remap(image, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    if not pose.still:
        cutout = appearance.cutout
        alpha = cv2.remap(
            cutout.alpha, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        out = cv2.blendLinear(out, cutout.plate, alpha, 1 - alpha)
    draw_mouth(out, appearance.mouth, shape, where, coefficients, pose)
    turn = iris_turn(shape, motion["gaze_x"], motion["gaze_y"])
    for eye, blink in zip(
        appearance.eyes, (motion["blink_left"], motion["blink_right"]), strict=True
    ):
        closed = blink + (1 - blink) * LID_FOLLOWS * max(motion["gaze_y"], 0.0)
        draw_eye(out, image, eye, where, closed, turn)
    return out
