"""Frames into files: what verbs that make pictures share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import provenance, ui
from lipkit.commands import _options
from lipkit.flow import ahead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.artifacts.clip import Clip
    from lipkit.commands._drive import Drive
    from lipkit.commands._portrait import Portrait
    from lipkit.faces.geometry import Geometry
    from lipkit.media.description import VideoInfo
    from lipkit.media.storage import Storage
    from lipkit.media.video import AudioTrack, Encode, VideoWriter
    from lipkit.protocols import Appearance, Canvas, FaceCodec, Floats, Frames

SYNTHETIC = "Synthetic media, made with lipkit"

CODECS = "h264, hevc, av1, vp9, prores, ffv1, or a hardware encoder such as h264_nvenc"
_storage: _options.Decorator = _options.chain(
    click.option("--crf", type=click.IntRange(0, 63), help="Quality: less is better and larger."),
    click.option(
        "--format", "container", help="Container of a pipe: mkv (the default), mp4, mov, webm."
    ),
)
encode: _options.Decorator = _options.chain(
    click.option("--video-codec", default="h264", show_default=True, help=f"{CODECS}."),
    _storage,
)
encode_alike: _options.Decorator = _options.chain(
    click.option("--video-codec", help=f"{CODECS}. By default what keeps the source's pixels."),
    click.option("--encode-preset", help="Speed of h264 and hevc, from ultrafast to veryslow."),
    _storage,
)


@dataclass(frozen=True)
class Course:
    """How many frames there will be, how fast, and the sound to them."""

    total: int
    fps: Fraction
    sound: AudioTrack | None = None


@dataclass(frozen=True)
class Target:
    """Where a video goes, and how it is encoded; no codec means one that fits the source."""

    output: str
    video_codec: str | None = "h264"
    crf: int | None = None
    container: str | None = None
    encode_preset: str | None = None

    @property
    def path(self) -> Path | None:
        """The file; None is stdout."""
        return None if self.output == "-" else Path(self.output)

    @property
    def encode(self) -> Encode:
        """The encoder's settings."""
        from lipkit.media.video import Encode

        return Encode(
            codec=self.video_codec or "h264",
            crf=self.crf,
            preset=self.encode_preset,
            container=self.container,
        )

    def storage(self, video: VideoInfo) -> Storage:
        """How to store a result that keeps what ``video`` has."""
        from lipkit.media.encode import container_of
        from lipkit.media.storage import store_like

        return store_like(
            video,
            container_of(self.path, self.encode),
            codec=self.video_codec,
            crf=self.crf,
            preset=self.encode_preset,
        )


def target_of(output: str, options: dict[str, Any], emit: str) -> Target:
    """Where what ``emit`` names goes; latents are as deep as a video that loses nothing."""
    if emit == "latents":
        return Target("-", **{**options, "container": "mkv"})
    return Target(output, **options)


def write_rendered(
    codec: FaceCodec,
    portrait: Portrait,
    drive: Drive,
    target: Target,
    *,
    crops_only: bool,
    record: dict[str, Any],
) -> None:
    """Draw motion on a portrait: a clip of crops, or the finished video."""
    appearance = portrait.appearance
    with closing(ahead(drive.chunks)) as motion:
        crops = rendered(codec, appearance, motion)
        if crops_only:
            writer = open_crops(target, portrait, drive, record)
            write_all(writer, crops, drive.total)
        else:
            writer = open_video(target, portrait.size, record, fps=drive.fps, sound=drive.sound)
            write_all(writer, pasted(appearance, crops), drive.total)


def open_video(
    target: Target,
    size: tuple[int, int],
    record: dict[str, Any],
    *,
    sound: AudioTrack | None,
    fps: Fraction | None = None,
    times: Iterable[Fraction] | None = None,
    storage: Storage | None = None,
) -> VideoWriter:
    """A writer of a finished video, whose tags say that it is synthetic and how it was made.

    With ``storage`` it keeps what the source of that storage has.
    """
    from lipkit.media.video import VideoWriter

    return VideoWriter(
        target.path,
        size=size,
        fps=fps,
        times=times,
        audio=sound,
        encode=storage.encode if storage else target.encode,
        color=storage.color if storage else None,
        aspect=storage.aspect if storage else Fraction(1),
        pixel=storage.pixel if storage else "rgb24",
        metadata={"comment": SYNTHETIC, "lipkit": provenance.compact(record)},
    )


def open_crops(
    target: Target, portrait: Portrait, drive: Drive | Course, record: dict[str, Any]
) -> VideoWriter:
    """A writer of a clip of crops that knows where they were cut out."""
    from lipkit.artifacts.clip import open_clip_writer

    geometry = geometry_of(portrait, drive.total, drive.fps)
    return open_clip_writer(
        target.path,
        *geometry.to_tensors(),
        size=geometry.size,
        times=geometry.times,
        audio=drive.sound,
        provenance=record,
    )


def geometry_of(portrait: Portrait, count: int, fps: Fraction, source: str = "") -> Geometry:
    """Where ``count`` crops of a portrait go; ``source`` is the picture's digest."""
    import numpy as np

    from lipkit.faces.geometry import Geometry

    appearance = portrait.appearance
    return Geometry(
        matrix=np.repeat(appearance.matrix[None], count, 0),
        points=np.zeros((count, 0, 2), np.float32),
        box=np.repeat(portrait.face.box[None], count, 0),
        score=np.ones(count, np.float32),
        valid=np.ones(count, np.bool_),
        shot=np.zeros(count, np.int32),
        ticks=np.arange(count) * fps.denominator,
        time_base=Fraction(1, fps.numerator),
        fps=fps,
        size=(appearance.size, appearance.size),
        frame_size=portrait.size,
        scheme="",
        template="rendered",
        source=source,
    )


def put_back(image: Frames, clip: Clip, geometry: Geometry) -> Iterator[Frames]:
    """The picture with each crop in its place."""
    import numpy as np

    from lipkit.faces.warping import paste

    soft = rim(geometry)
    rows = iter(geometry.matrix)
    for chunk in clip.frames():
        yield np.stack([paste(image, crop, next(rows), soft) for crop in chunk])


def rim(geometry: Geometry) -> NDArray[Any]:
    """A mask ``(h, w)`` of rendered crops: one, but fading at inner borders of resampled crops.

    Crops at the picture's own scale need no fading: nothing moves at their inner borders.
    """
    import numpy as np

    from lipkit.faces.masks import feathered
    from lipkit.faces.warping import footprint

    width, height = geometry.size
    mask = np.ones((height, width), np.float32)
    if np.isclose(geometry.matrix[0, 0, 0], 1):
        return mask
    x0, y0, x1, y1 = footprint(geometry.matrix[0], geometry.size, geometry.frame_size)
    frame_width, frame_height = geometry.frame_size
    mask[:, 0] *= x0 <= 0
    mask[0] *= y0 <= 0
    mask[:, -1] *= x1 >= frame_width
    mask[-1] *= y1 >= frame_height
    return feathered(mask, min(width, height) / 32)


def write_all(writer: VideoWriter, chunks: Iterable[Frames], total: int) -> None:
    """Write every chunk, made ahead in a thread, and show how far it is.

    The thread has ended when this returns or fails: one that torch is in must not outlive the
    program, and what is collected some time may.
    """
    name = str(writer.path or "stdout")
    with ExitStack() as stack:
        out = stack.enter_context(writer)
        shown = stack.enter_context(ui.progress(total, name))
        for chunk in stack.enter_context(closing(ahead(chunks))):
            out.write(chunk)
            shown.advance(len(chunk))


def rendered(
    codec: FaceCodec, appearance: Appearance, motion: Iterable[Floats]
) -> Iterator[Frames]:
    """Crops of ``appearance`` under chunks of motion."""
    for chunk in motion:
        yield from codec.render(appearance, chunk)


def pasted(appearance: Canvas, crops: Iterable[Frames]) -> Iterator[Frames]:
    """Whole pictures, one at a time: a chunk of large ones would fill the memory."""
    for chunk in crops:
        for index in range(len(chunk)):
            yield appearance.paste(chunk[index : index + 1])


def rate_of(wish: str, source: Fraction) -> Fraction:
    """The frame rate that ``--fps`` asks for; ``source`` is what the input has."""
    return source if wish == "source" else _options.frame_rate(wish, "source")
