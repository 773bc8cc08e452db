"""The face that tracked ones are measured against: MediaPipe's canonical mesh (Apache-2.0)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors.numpy import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

VERTICES = 468  # the tracker's irises come after them


class Canonical(NamedTuple):
    """A face without expression, in its own frame."""

    vertices: Array  # (468, 3) cm: x to image-right, y up, z to the camera
    texture: Array  # (468, 2) in 0..1
    triangles: Array  # (898, 3)
    weights: Array  # (468,) how much a point tells of the pose


@cache
def canonical() -> Canonical:
    """The canonical face."""
    data = resources.files("lipkit").joinpath("assets", "canonical_face.safetensors").read_bytes()
    stored = load(data)
    return Canonical(
        stored["vertices"].astype(np.float64),
        stored["uv"].astype(np.float64),
        stored["triangles"].astype(np.int64),
        stored["weights"].astype(np.float64),
    )
