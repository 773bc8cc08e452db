"""MegaPortraits as a face codec: pictures in, poses and expressions, pictures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lipkit.errors import BadInput, WeightsError
from lipkit.faces.mediapipe import MediapipeTracker, person_matte
from lipkit.faces.templates import matrices
from lipkit.faces.warping import compose, scaling, warp
from lipkit.models.parts.canvas import Canvas, frames_of
from lipkit.models.vasa.codecs.megaportraits.blocks import resized
from lipkit.models.vasa.codecs.megaportraits.layout import layout_of, motion_of, rows_of
from lipkit.models.vasa.codecs.megaportraits.model import Look, MegaPortraits
from lipkit.models.vasa.codecs.mesh.plate import cut_out
from lipkit.protocols import Face

Array = NDArray[Any]
Read = Callable[[], Iterator[Array]]

SCHEME = "mediapipe478"
AT_ONCE = 4  # pictures that the networks see in one go
FACE_HEIGHT = 0.4  # of the crop's side, in the templates that are used


@dataclass(frozen=True, eq=False)
class MegaPortraitsAppearance(Canvas):
    """A portrait: its picture and crop, what the networks found there, and what is behind it.

    ``sitter`` is the ``Look``, ``rest (c,)`` the portrait's own motion, ``plate (3, s, s)`` in
    -1..1 the crop without the head, filled in.
    """

    rest: Array
    plate: Tensor

    @property
    def look(self) -> Look:
        """What the head looks like."""
        found: Look = self.sitter
        return found


class MegaPortraitsCodec:
    """A `FaceCodec` by the networks of a training run; it draws heads, and nothing around them.

    ``network`` is a `MegaPortraits`, or a model that has one as its ``codec``. There are no
    released weights: `WeightsError` says how to train some.
    """

    name = "megaportraits"

    def __init__(self, network: Any = None, sampling: Any = None, threads: int = 1) -> None:
        if network is None:
            raise WeightsError(
                "nobody published weights of MegaPortraits",
                hint="train some: lipkit train vasa1, then give --codec RUN",
            )
        self.network: MegaPortraits = getattr(network, "codec", network).eval()
        self.form = self.network.config
        self.layout = layout_of(self.form.expression_width)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def encode_appearance(
        self, image: Array, alpha: Array | None = None, face: Face | None = None
    ) -> MegaPortraitsAppearance:
        """The portrait in ``image (h, w, 3)``; ``face``, a ``mediapipe478`` one, says who is meant.

        ``alpha (h, w)`` is the head's matte, otherwise MediaPipe's of the person. Raises
        ``BadInput`` for no face.
        """
        matrix = self.placed(self.found(image) if face is None else face.points[None], image)[0]
        size = self.network.size
        crop = warp(image, matrix, (size, size))
        matte = person_matte(crop) if alpha is None else cut_alpha(alpha, matrix, size)
        return self.taken(image, matrix, crop, matte)

    def taken(
        self, image: Array, matrix: Array, crop: Array, matte: Array
    ) -> MegaPortraitsAppearance:
        """The appearance of a crop ``(s, s, 3)`` with the head's matte ``(s, s)`` in 0..1."""
        size = self.network.size
        seen = self.seen(crop[None])
        alpha = torch.from_numpy(np.asarray(matte, np.float32)).to(seen)[None, None]
        motion = self.network.motion(seen)
        look = self.network.look(seen * resized(alpha, seen.shape[2:]), motion)
        plate = cut_out(crop, np.asarray(matte, np.float32), FACE_HEIGHT * size).plate
        behind = torch.from_numpy(plate).movedim(-1, 0).to(seen) / 127.5 - 1
        return MegaPortraitsAppearance(image, matrix, size, look, rows_of(motion)[0], behind)

    def encode_motion(self, frames: Array) -> Array:
        """Motion ``(f, c)`` of the largest face in ``frames (f, h, w, 3)``."""
        return np.concatenate(list(self.follow(lambda: iter([frames]))))

    def follow(self, read: Read) -> Iterator[Array]:
        """Motion ``(f, c)`` of a video's largest face, chunk by chunk; ``read`` is called twice.

        The crop is one for the whole video: one that followed the face would take its motion.
        """
        points, shape = [], None
        for frames in read():
            points.append(self.found(*frames))
            shape = frames[0]
        if shape is None:
            raise BadInput("no frames to follow", hint="give a video")
        matrix = self.placed(np.concatenate(points), shape)[0]
        side = self.form.size
        scaled = compose(scaling(side / self.network.size), matrix)
        for frames in read():
            for start in range(0, len(frames), AT_ONCE):
                rows = frames[start : start + AT_ONCE]
                yield self.told(np.stack([warp(row, scaled, (side, side)) for row in rows]))

    @torch.inference_mode()
    def told(self, crops: Array) -> Array:
        """Motion ``(f, c)`` of crops ``(f, s, s, 3)``."""
        return rows_of(self.network.motion(self.seen(crops)))

    @torch.inference_mode()
    def render(self, appearance: MegaPortraitsAppearance, motion: Array) -> Iterator[Array]:
        """Chunks of crops ``(f, s, s, 3)`` of ``appearance`` under ``motion (f, c)``."""
        for start in range(0, len(motion), AT_ONCE):
            rows = motion[start : start + AT_ONCE]
            drawn = self.network.draw(
                appearance.look.expand(len(rows)), motion_of(rows, appearance.look.identity)
            )
            yield frames_of(self.network.enlarged(drawn).over(appearance.plate))

    def found(self, *frames: Array) -> Array:
        """Landmarks ``(f, 478, 3)`` of the largest face in each frame that shows one."""
        still = len(frames) == 1
        tracker = MediapipeTracker(still=True) if still else MediapipeTracker(max_faces=1)
        largest = [
            max(faces, key=lambda face: float(np.prod(face.box[2:] - face.box[:2]))).points
            for faces in tracker.detect(np.stack(frames))
            if faces
        ]
        if not largest:
            raise BadInput("no face to be seen", hint="use pictures of a face from the front")
        return np.stack(largest)

    def placed(self, points: Array, image: Array) -> Array:
        """Matrices ``(f, 2, 3)`` from pictures to crops, by landmarks ``(f, 478, 3)``."""
        height, width = image.shape[:2]
        size = self.network.size
        return matrices(self.form.template, points, SCHEME, size, frame_size=(width, height))

    def seen(self, crops: Array) -> Tensor:
        """Crops ``(f, s, s, 3)`` as the networks see them."""
        pictures = torch.from_numpy(np.ascontiguousarray(crops)).movedim(-1, 1)
        inside = pictures.to(self.device).float() / 127.5 - 1
        return resized(inside, (self.form.size, self.form.size))


def cut_alpha(alpha: Array, matrix: Array, size: int) -> Array:
    """The crop ``(size, size)`` of a picture's matte, in 0..1."""
    full = 255.0 if alpha.dtype == np.uint8 else 1.0
    cut = warp(np.asarray(alpha, np.float32) / full, matrix, (size, size), "constant")
    return np.clip(cut, 0, 1)
