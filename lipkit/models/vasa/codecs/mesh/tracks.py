"""Motion of a filmed face, in the mesh codec's layout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.models.vasa.codecs.mesh.layout import (
    EYEBALL_RADIUS,
    MESH_LAYOUT,
    NATURAL_JAW,
)
from lipkit.models.vasa.codecs.mesh.modes import BROW_LIFT

Array = NDArray[Any]

PRESSED = 0.55  # thickness of fully pressed lips as a share of the usual


def motion_of(points: Array) -> Array:
    """Motion ``(f, c)`` of tracked FaceMesh ``points (f, 478, 3)``; the first frame is neutral.

    Aperture and jaw are absolute; eyes count as open as they usually are in these frames.
    """
    points = np.asarray(points, np.float64)
    frame = mesh.face_frame(points)
    local = mesh.to_local(points, frame)
    aperture = np.clip(mesh.aperture(points), 0, None)
    jaw, width = mesh.jaw_drop(points), mesh.width(points)
    opening, eyes = mesh.eye_opening(points), mesh.gaze(points)
    blink = np.clip(1 - opening / np.maximum(np.quantile(opening, 0.7, axis=0), 1e-3), 0, 1)
    angles = mesh.euler(frame.rotation)
    brows = local[:, list(mesh.LEFT_BROW + mesh.RIGHT_BROW), 1].mean(1)
    turn = np.degrees(np.arcsin(np.clip((eyes - eyes[0]).mean(1) / EYEBALL_RADIUS, -1, 1)))
    place = (frame.origin - frame.origin[0]) / frame.unit[0]
    thickness = _lip_thickness(local)
    columns = {
        "aperture": aperture,
        "width": width - width[0],
        "press": np.clip((1 - thickness / thickness[0]) / (1 - PRESSED), 0, 1) * (aperture < 0.02),
        "jaw": np.clip(jaw - jaw[0] + NATURAL_JAW * aperture[0], 0, None),
        "blink_left": blink[:, 0],
        "blink_right": blink[:, 1],
        "gaze_x": turn[:, 0],
        "gaze_y": turn[:, 1],
        "brow": np.clip((brows[0] - brows) / BROW_LIFT, 0, 1),
        "yaw": angles[:, 0] - angles[0, 0],
        "pitch": angles[:, 1] - angles[0, 1],
        "roll": angles[:, 2] - angles[0, 2],
        "x": place[:, 0],
        "y": place[:, 1],
        "scale": frame.unit / frame.unit[0] - 1,
    }
    return np.stack([columns[name] for name in MESH_LAYOUT.channels], 1).astype(np.float32)


def _lip_thickness(local: Array) -> Array:
    """Height ``(f,)`` of both lips together without their gap, in IOD."""
    centre = mesh.LIP_CENTRE
    heights = [
        local[:, list(rows[3][centre]), 1].mean(1) - local[:, list(rows[0][centre]), 1].mean(1)
        for rows in (mesh.UPPER_LIP_ROWS, mesh.LOWER_LIP_ROWS)
    ]
    return np.maximum(heights[1] - heights[0], 1e-3)
