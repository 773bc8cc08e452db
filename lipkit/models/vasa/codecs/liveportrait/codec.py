"""LivePortrait as a face codec: pictures in, keypoints that move, pictures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lipkit import config as settings
from lipkit import runtime
from lipkit.errors import BadInput
from lipkit.faces.mediapipe import MediapipeTracker
from lipkit.models.parts import checkpoint, weights
from lipkit.models.vasa.codecs.liveportrait import cropping, layout, pictures
from lipkit.models.vasa.codecs.liveportrait.config import LivePortraitConfig, SamplingConfig
from lipkit.models.vasa.codecs.liveportrait.driving import Driver, Rule, Source
from lipkit.models.vasa.codecs.liveportrait.layout import LIVEPORTRAIT_LAYOUT
from lipkit.models.vasa.codecs.liveportrait.model import LivePortrait
from lipkit.models.vasa.codecs.liveportrait.motion import Motion
from lipkit.models.vasa.codecs.liveportrait.portrait import (
    LivePortraitAppearance,
    driver_box,
    opened,
    outline,
)
from lipkit.protocols import Face

Array = NDArray[Any]
Read = Callable[[], Iterator[Array]]

WEIGHTS = "liveportrait"
AT_ONCE = 4  # pictures that the networks see in one go


class LivePortraitCodec:
    """A `FaceCodec` by LivePortrait's networks.

    Without a ``network``, the stored weights are loaded when they are first needed; they are not
    part of lipkit, and `WeightsError` says how to get them.
    """

    name = "liveportrait"
    layout = LIVEPORTRAIT_LAYOUT

    def __init__(
        self,
        network: LivePortrait | None = None,
        sampling: SamplingConfig | None = None,
        threads: int = 1,
    ) -> None:
        wish = sampling or SamplingConfig()
        self.rule = Rule(
            mode=wish.mode,
            region=wish.region,
            stitch=wish.stitch,
            rescale=wish.rescale,
            close_lips=wish.close_lips,
            gain=wish.gain,
        )
        self.threads = threads
        if network is not None:
            self.network = network.eval()

    @cached_property
    def network(self) -> LivePortrait:
        """The networks, in eval mode."""
        return stored()

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def encode_appearance(
        self, image: Array, alpha: Array | None = None, face: Face | None = None
    ) -> LivePortraitAppearance:
        """The portrait in ``image (h, w, 3)``; ``face``, a ``mediapipe478`` one, says who is meant.

        ``alpha`` is not needed. Raises ``BadInput`` for no face.
        """
        if face is None:
            found = MediapipeTracker(still=True).detect(image[None])[0]
            if not found:
                raise BadInput("no face in the portrait", hint="use a picture of a face")
            face = max(found, key=lambda f: float(np.prod(f.box[2:] - f.box[:2])))
        size = self.network.config.size
        points, ends = outline(face.points)
        matrix = cropping.source_matrix(points, cropping.Framing(), size, ends)
        seen = self.seen([cropping.cut(image, matrix, (size, size))])
        return LivePortraitAppearance(
            image,
            matrix,
            size,
            self.network.appearance(seen),
            self.network.motion(seen),
            opened(face.points),
        )

    def encode_motion(self, frames: Array) -> Array:
        """Motion ``(f, c)`` of the largest face in ``frames (f, h, w, 3)``, since the first."""
        return np.concatenate(list(self.follow(lambda: iter([frames]))))

    def follow(self, read: Read) -> Iterator[Array]:
        """Motion ``(f, c)`` of a video's largest face, chunk by chunk; ``read`` is called twice.

        Its changes since the first frame, or the face as it is under the absolute rule.
        The crop stays where the face is on average: one that followed it would take its motion.
        """
        matrix = cropping.box_matrix(average_box(read()), self.network.config.size)
        first: Motion | None = None
        for frames in read():
            for start in range(0, len(frames), AT_ONCE):
                found = self.moved(frames[start : start + AT_ONCE], matrix)
                if self.rule.mode == "absolute":
                    yield layout.entire(found)
                else:
                    first = first or found[:1]
                    yield layout.changes(found, first)

    @torch.inference_mode()
    def moved(self, frames: Array, matrix: Array) -> Motion:
        """The motion in crops of ``frames (f, h, w, 3)``."""
        size = self.network.config.size
        crops = [cropping.cut(frame, matrix, (size, size)) for frame in frames]
        return self.network.motion(self.seen(crops))

    def seen(self, crops: list[Array]) -> torch.Tensor:
        """Crops as the networks see them."""
        side = self.network.config.side
        small = np.stack([cropping.halved(crop, side) for crop in crops])
        return pictures.prepared(small, side).to(self.device)

    @torch.inference_mode()
    def render(self, appearance: LivePortraitAppearance, motion: Array) -> Iterator[Array]:
        """Chunks of crops ``(f, s, s, 3)`` of ``appearance`` under ``motion (f, c)``."""
        own, landmarks = appearance.motion, appearance.landmarks
        known = None if landmarks is None else landmarks.to(own.scale)
        source = Source(own, known)
        for start in range(0, len(motion), AT_ONCE):
            rows = motion[start : start + AT_ONCE]
            rule = replace(self.rule, mode=layout.mode_of(rows))
            driver = Driver(source, rule, self.network.retargeting)
            moved = driver.keypoints(layout.read(rows).to(own.scale), layout.still().to(own.scale))
            volume = appearance.volume.expand(len(rows), -1, -1, -1, -1)
            yield pictures.parsed(
                self.network.draw(volume, moved, own.placed.expand(len(rows), -1, -1))
            )


def average_box(chunks: Iterator[Array]) -> Array:
    """The mean box ``(4,)`` of the largest face in each frame that shows one."""
    tracker = MediapipeTracker(max_faces=1)
    boxes = [
        driver_box(faces[0].points)
        for frames in chunks
        for faces in tracker.detect(frames)
        if faces
    ]
    if not boxes:
        raise BadInput("no face in any frame", hint="use a clip that shows a face")
    return np.mean(boxes, 0)


def stored() -> LivePortrait:
    """The networks with the weights in the store, where they run fastest."""
    path = weights.locate(WEIGHTS)
    form = settings.resolve(LivePortraitConfig, preset=weights.read_header(path)["config"])
    with torch.device("meta"):
        network = LivePortrait(form)
    network.to_empty(device="cpu")
    checkpoint.load(network, path)
    return network.to(runtime.choose("auto").device).eval()
