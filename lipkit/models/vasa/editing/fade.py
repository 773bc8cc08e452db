"""How far each frame may be edited: less where the face turns away, hides, comes or goes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter1d

from lipkit.models.vasa.codecs.mesh.warp import smoothstep

Array = NDArray[Any]

TURNED = (26.0, 34.0)  # degrees of yaw: fully edited up to, not at all from
FADE = 0.16  # seconds from the original to the edited mouth
CALM = 0.06  # seconds, standard deviation of the smoothing over changes of pose


def stretches(valid: Array, shot: Array) -> list[tuple[int, int]]:
    """Runs ``(start, end)`` of frames with a face in one shot, ends excluded."""
    label = np.where(valid, shot.astype(np.int64), -1)
    edges = [0, *(np.flatnonzero(np.diff(label)) + 1).tolist(), len(label)]
    return [(a, b) for a, b in pairwise(edges) if b > a and valid[a]]


def weights(good: Array, shot: Array, yaw: Array, fps: float) -> Array:
    """Weight ``(f,)`` of the edit, 0 original .. 1 edited.

    ``good (f,)`` says where the mouth can be edited; ``yaw (f,)`` in degrees. A cut hides a
    sudden change, so fades stay inside their shot. The clip's ends need none: played back and
    forth, it goes on there.
    """
    reach = max(2.0, FADE * fps)
    turned = 1 - smoothstep(np.abs(yaw), *TURNED)
    out = np.zeros(len(good))
    edges = [0, *(np.flatnonzero(np.diff(shot)) + 1).tolist(), len(good)]
    for start, end in pairwise(edges):
        inside = good[start:end]
        near = distance_transform_edt(inside) if not inside.all() else np.full(len(inside), np.inf)
        calm = gaussian_filter1d(turned[start:end], max(0.5, CALM * fps), mode="nearest")
        out[start:end] = smoothstep(near, 0.0, reach) * calm
    return np.where(good, out, 0.0)
