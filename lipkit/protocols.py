"""The seams of lipkit: what a stage takes and gives, and nothing about how.

Legend of shapes, used in every docstring: b batch, f video frames, t audio steps, n samples,
l layers, d width, k points, c motion channels, h w height and width in pixels.

*Frames* are ``uint8`` RGB arrays ``(f, h, w, 3)``; x runs right, y down, and the centre of the
first pixel lies at ``(0, 0)``. *Crops* inside neural models are float tensors ``(f, 3, h, w)`` in
-1..1. Long things travel as iterators of chunks: ten minutes of 1080p are 93 GB as one array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from lipkit.family import Family
from lipkit.performance import Canvas, Performer
from lipkit.scoring import Better, Measure, Metric, Passage, Score, Watch

__all__ = [
    "Animator",
    "Appearance",
    "AudioEncoder",
    "Better",
    "Canvas",
    "Editor",
    "Enlarger",
    "Face",
    "FaceCodec",
    "FaceTrack",
    "FaceTracker",
    "Family",
    "Features",
    "Layout",
    "Measure",
    "Metric",
    "MotionGenerator",
    "Passage",
    "Performer",
    "Score",
    "Spoken",
    "Stage",
    "Syncer",
    "Watch",
]

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Frames = NDArray[np.uint8]
    Pixels = NDArray[Any]  # (f, h, w, 3|4) uint8 or uint16 over the full range
    Reader = Callable[[Sequence[int]], Iterator[Frames]]
    Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """Audio features at the encoder's own rate: ``data (t, l, d)``, ``rate`` steps a second."""

    data: Floats
    rate: Fraction
    encoder: str
    silence: NDArray[np.bool_] | None = None  # (t,) nobody speaks here


class AudioEncoder(Protocol):
    """Turns 16 kHz mono sound into features."""

    name: str
    rate: Fraction
    layers: int
    width: int

    def encode(self, wave: Floats) -> Features:
        """Features of ``wave (n,)`` at 16 kHz; long audio in overlapped windows, without joints."""
        ...


@dataclass(frozen=True)
class Face:
    """One detected face: ``box (4,)`` as x0 y0 x1 y1, ``points (k, 2|3)`` in pixels, score 0..1."""

    box: Floats
    points: Floats
    score: float


class FaceTracker(Protocol):
    """Finds faces in frames. Which face, gaps and smoothing are ``faces.tracks``' business."""

    name: str
    scheme: str  # the landmark numbering of its points: a key of ``faces.landmarks.SCHEMES``

    def detect(self, frames: Frames) -> list[list[Face]]:
        """All faces of each frame, in the order of ``frames (f, h, w, 3)``."""
        ...


@dataclass(frozen=True)
class Layout:
    """A motion space: which codec it drives and what each channel is, in order."""

    codec: str
    channels: tuple[str, ...]

    def index(self, channel: str) -> int:
        """Column of ``channel`` in a motion array ``(f, c)``."""
        return self.channels.index(channel)


class Appearance(Protocol):
    """A portrait that a codec can render: the part of a picture that will move."""

    @property
    def size(self) -> int:
        """Side of the rendered crops in pixels."""
        ...

    @property
    def matrix(self) -> NDArray[Any]:
        """Picture-to-crop matrix ``(2, 3)``, pixel centres at integers."""
        ...

    @property
    def rest(self) -> Floats:
        """The motion ``(c,)`` that shows the picture as it is."""
        ...

    def paste(self, crops: Frames) -> Frames:
        """Whole pictures ``(f, h, w, 3)`` with ``crops`` in their place."""
        ...


class FaceCodec(Protocol):
    """Takes a face apart into appearance and motion, and puts it together again."""

    name: str
    layout: Layout

    def encode_appearance(
        self, image: Frames, alpha: NDArray[Any] | None = None, face: Face | None = None
    ) -> Appearance:
        """Everything of the person in ``image (h, w, 3)`` that does not move.

        ``alpha (h, w)`` is the person's matte, if known; ``face`` says who is meant.
        """
        ...

    def encode_motion(self, frames: Frames) -> Floats:
        """Motion ``(f, c)`` of the face in ``frames``, in this codec's layout."""
        ...

    def render(self, appearance: Appearance, motion: Floats) -> Iterator[Frames]:
        """Chunks of crops ``(f, h, w, 3)`` showing ``appearance`` under ``motion (f, c)``."""
        ...


class MotionGenerator(Protocol):
    """Turns sound into motion, window by window; the same call serves files and live streams."""

    layout: Layout

    def generate(
        self, audio: Floats, conditions: Mapping[str, Any], state: Any
    ) -> tuple[Floats, Any]:
        """Motion of the next window and the state to hand to the call after it."""
        ...


@dataclass(frozen=True)
class Spoken:
    """A sound's motion: chunks ``(f, c)`` in ``layout``, ``total`` frames in all, at ``fps``."""

    chunks: Iterable[Floats]
    total: int
    fps: Fraction
    layout: Layout


class Syncer(Protocol):
    """Gives crops other lips."""

    def sync(
        self, crops: Iterable[Any], audio: Features, sampling: Any, generator: Any
    ) -> Iterator[Any]:
        """Crops ``(f, 3, h, w)`` in -1..1 in, as many and alike but for the mouth out."""
        ...


@dataclass(frozen=True)
class FaceTrack:
    """One face through a source video, one row a source frame.

    ``points (f, k, 2|3)`` in pixels of the frames as shown, lightly smoothed without lag;
    ``valid (f,)`` where a face is (other rows mean nothing); ``shot (f,)`` counts scene cuts;
    ``times`` when each frame is shown.
    """

    points: Floats
    valid: NDArray[np.bool_]
    shot: NDArray[Any]
    times: Sequence[Fraction]
    fps: Fraction
    frame_size: tuple[int, int]  # width, height
    scheme: str  # landmark numbering

    def __len__(self) -> int:
        return len(self.valid)


class Editor(Protocol):
    """Gives whole frames of a video other lips, in place."""

    name: str
    scheme: str  # the landmark numbering that it reads

    def hear(self, chunks: Iterable[Floats]) -> Any:
        """What the editor keeps of a voice: mono chunks ``(n,)`` at 16 kHz, heard once a job."""
        ...

    def study(self, track: FaceTrack, read: Reader) -> Any:
        """What the whole clip teaches, such as the speaker's own range; asked once a job.

        ``read`` takes ascending source frame numbers and yields those frames ``(1, h, w, 3)``.
        """
        ...

    def edit(
        self,
        frames: Pixels,
        rows: Sequence[int],
        times: Sequence[Fraction],
        track: FaceTrack,
        voice: Any,
        study: Any,
    ) -> Pixels:
        """New frames alike but for the mouth; pixels outside it and faceless frames stay as is.

        ``frames[i]`` is source frame ``rows[i]``, seen at the voice's second ``times[i]``; a source
        frame can occur several times. A pure function of its arguments, so that neither the cut
        into chunks nor an interruption shows; several threads may call it at once.
        """
        ...


class Enlarger(Protocol):
    """Draws what crops lack that were enlarged."""

    @property
    def sides(self) -> tuple[int, ...]:
        """The sizes in pixels that it makes."""
        ...

    def enlarge(self, frames: Any, side: int) -> Any:
        """Crops ``(f, 3, side, side)`` in -1..1 of smaller square ones ``(f, 3, h, h)``."""
        ...


class Animator(Protocol):
    """Makes one picture talk."""

    def animate(
        self, portrait: Any, audio: Any, controls: Any, sampling: Any, generator: Any
    ) -> Iterator[Any]:
        """Chunks of frames of the talking portrait."""
        ...


class Stage(Protocol):
    """One stage of a training: what trains, what it costs, what a sample looks like."""

    name: str

    def parameters(self, model: Any) -> Sequence[Any]:
        """The parameters that this stage trains; all others stay frozen."""
        ...

    def loss(self, model: Any, batch: Mapping[str, Any], step: int) -> Mapping[str, Any]:
        """Named loss terms of one batch, already weighted; the loop logs and sums them."""
        ...
