"""The mesh codec: a photo talks by being warped; no weights, no GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.errors import BadInput
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.vasa.codecs.mesh.appearance import MeshAppearance
from lipkit.models.vasa.codecs.mesh.drawing import draw_frame
from lipkit.models.vasa.codecs.mesh.layout import MESH_LAYOUT
from lipkit.models.vasa.codecs.mesh.portrait import Teeth, take_apart
from lipkit.models.vasa.codecs.mesh.tracks import measured, motion_from
from lipkit.protocols import Face

Array = NDArray[Any]

__all__ = ["MESH_LAYOUT", "MeshAppearance", "MeshCodec"]

CHUNK = 16  # frames


class MeshCodec:
    """Warps a portrait by a tracked face mesh.

    ``size`` is the largest side of a rendered crop in pixels: smaller crops keep the picture's own
    pixels, larger ones are reduced and enlarged again by ``MeshAppearance.paste``. ``teeth`` says
    whether the portrait's mouth shows teeth: "auto" looks, "open" and "closed" tell. ``threads``
    draws that many frames at once; every frame depends on its own motion alone.
    """

    name = "mesh"
    layout = MESH_LAYOUT

    def __init__(self, size: int = 1280, teeth: Teeth = "auto", threads: int = 1) -> None:
        self.size = size
        self.teeth: Teeth = teeth
        self.threads = threads

    def encode_appearance(
        self, image: Array, alpha: Array | None = None, face: Face | None = None
    ) -> MeshAppearance:
        """The portrait in ``image (h, w, 3)``; ``alpha (h, w)`` is its matte if it has one.

        ``face`` chooses among several faces (a ``mediapipe478`` one); the largest is taken
        otherwise. Raises ``BadInput`` for no face, and for one too small or turned too far.
        """
        return take_apart(image, alpha=alpha, face=face, size=self.size, teeth=self.teeth)

    def encode_motion(self, frames: Array) -> Array:
        """Motion ``(f, c)`` of the largest face in ``frames (f, h, w, 3)``; the first is neutral.

        A frame without a face repeats the one before it.
        """
        return np.concatenate(list(self.follow(lambda: iter([frames]))))

    def follow(self, read: Callable[[], Iterator[Array]]) -> Iterator[Array]:
        """The same of a whole video, chunk by chunk; how open eyes usually are, takes all of it."""
        tracker = MediapipeTracker(max_faces=1)
        rows: list[Array] = []
        unseen = 0  # frames before the first face
        for frames in read():
            for faces in tracker.detect(frames):
                if faces:
                    found = measured(faces[0].points[None])
                    rows += [found] * (unseen + 1)
                    unseen = 0
                elif rows:
                    rows.append(rows[-1])
                else:
                    unseen += 1
        if not rows:
            raise BadInput("no face in any frame", hint="use a clip that shows a face")
        motion = motion_from(np.concatenate(rows))
        for first in range(0, len(motion), CHUNK):
            yield motion[first : first + CHUNK]

    def render(self, appearance: MeshAppearance, motion: Array) -> Iterator[Array]:
        """Chunks of crops ``(f, S, S, 3)`` of ``appearance`` under ``motion (f, c)``."""
        chunks = (motion[i : i + CHUNK] for i in range(0, len(motion), CHUNK))
        if self.threads <= 1:
            for rows in chunks:
                yield np.stack([draw_frame(appearance, row) for row in rows])
            return
        with ThreadPoolExecutor(self.threads) as pool:
            for rows in chunks:
                yield np.stack(list(pool.map(lambda row: draw_frame(appearance, row), rows)))
