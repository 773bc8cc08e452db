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
    return motion_from(measured(points))


def measured(points: Array) -> Array:
    """What motion is told from ``(f, m)``, frame by frame: few numbers, so that a film fits."""
    points = np.asarray(points, np.float64)
    frame = mesh.face_frame(points)
    local = mesh.to_local(points, frame)
    brows = local[:, list(mesh.LEFT_BROW + mesh.RIGHT_BROW), 1].mean(1)
    singles = (
        mesh.aperture(points), mesh.jaw_drop(points), mesh.width(points), brows, frame.unit,
        _lip_thickness(local),
    )  # fmt: skip
    groups = (
        mesh.eye_opening(points), mesh.gaze(points).mean(1), mesh.euler(frame.rotation),
        frame.origin,
    )  # fmt: skip
    return np.concatenate([np.stack(singles, 1), *groups], 1)


def motion_from(rows: Array) -> Array:
    """Motion ``(f, c)`` of what was `measured` in all frames of a film."""
    parts = np.split(rows, np.cumsum([1, 1, 1, 1, 1, 1, 2, 2, 3]), axis=1)
    aperture, jaw, width, brows, unit, thickness = (part[:, 0] for part in parts[:6])
    opening, eyes, angles, origin = parts[6:]
    aperture = np.clip(aperture, 0, None)
    blink = np.clip(1 - opening / np.maximum(np.quantile(opening, 0.7, axis=0), 1e-3), 0, 1)
    turn = np.degrees(np.arcsin(np.clip((eyes - eyes[0]) / EYEBALL_RADIUS, -1, 1)))
    place = (origin - origin[0]) / unit[0]
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
        "scale": unit / unit[0] - 1,
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
