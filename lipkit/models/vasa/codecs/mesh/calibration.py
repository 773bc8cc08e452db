"""How much more a portrait must move than it is told, so that a tracker sees what was commanded.

Mesh depth is shallow, a picture's lips may be pale: the same warp looks like a larger or smaller
motion on one face than on another. A few drawn frames, tracked again, tell by how much.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.faces import mesh
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa.codecs.mesh.appearance import MeshAppearance
from lipkit.models.vasa.codecs.mesh.drawing import draw_frame
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT, NATURAL_JAW
from lipkit.models.vasa.codecs.mesh.pose import Gains

Array = NDArray[Any]

OPENINGS = (0.07, 0.19)  # IOD beyond the photo's own
TURN, NOD = 6.0, 4.0  # degrees to either side
# Beyond these a tracker errs, not the warp.
APERTURE_RANGE, YAW_RANGE, PITCH_RANGE = (0.85, 1.45), (0.9, 1.7), (0.8, 1.4)


def _probes(appearance: MeshAppearance) -> Array:
    """Motions ``(4, c)``: two openings of the mouth, and the head to either side."""
    motion = np.tile(appearance.rest, (4, 1))
    aperture, jaw = MESH_LAYOUT.index("aperture"), MESH_LAYOUT.index("jaw")
    for row, opening in zip(motion, OPENINGS, strict=False):
        row[aperture] += opening
        row[jaw] += NATURAL_JAW * opening
    motion[2:, MESH_LAYOUT.index("yaw")] = -TURN, TURN
    motion[2:, MESH_LAYOUT.index("pitch")] = -NOD, NOD
    return motion


def _gain(seen: float, commanded: float, used: float, limits: tuple[float, float]) -> float:
    """The gain that would have shown what was ``commanded``, where ``used`` showed ``seen``."""
    return float(np.clip(used * commanded / max(seen, 1e-6), *limits))


def calibrated(appearance: MeshAppearance) -> MeshAppearance:
    """``appearance`` with gains of its own; unchanged where its frames show no face."""
    frames = np.stack([draw_frame(appearance, row) for row in _probes(appearance)])
    found = MediapipeTracker(max_faces=1).detect(frames)
    if not all(found):
        return appearance
    points = np.stack([faces[0].points for faces in found]).astype(np.float64)
    angles = mesh.euler(mesh.face_frame(points).rotation)
    # A slope, not a ratio: some trackers see a pale mouth open late, and then all the faster.
    opened = [mesh.aperture(points[2:]).mean(), *mesh.aperture(points[:2])]
    seen = float(np.polyfit((0.0, *OPENINGS), opened, 1)[0])
    used = appearance.gains
    gains = Gains(
        aperture=_gain(seen, 1.0, used.aperture, APERTURE_RANGE),
        yaw=_gain(angles[3, 0] - angles[2, 0], 2 * TURN, used.yaw, YAW_RANGE),
        pitch=_gain(angles[3, 1] - angles[2, 1], 2 * NOD, used.pitch, PITCH_RANGE),
    )
    return replace(appearance, gains=gains)
