"""Frames into files: what verbs that make pictures share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lipkit import provenance, ui
from lipkit.commands import _options
from lipkit.errors import BadUsage
from lipkit.flow import ahead

if TYPE_CHECKING:
    from lipkit.media.video import AudioTrack, Encode, VideoWriter
    from lipkit.protocols import Appearance, FaceCodec, Floats, Frames

SYNTHETIC = "Synthetic media: made with lipkit"

encode: _options.Decorator = _options.chain(
    click.option(
        "--video-codec",
        default="h264",
        show_default=True,
        help="h264, hevc, av1, vp9, prores, ffv1, or a hardware encoder such as h264_nvenc.",
    ),
    click.option("--crf", type=click.IntRange(0, 63), help="Quality: less is better and larger."),
    click.option(
        "--format", "container", help="Container on a pipe: mp4, mkv, mov or webm.  [mkv]"
    ),
)


@dataclass(frozen=True)
class Target:
    """Where a video goes, and how it is encoded."""

    output: str
    video_codec: str = "h264"
    crf: int | None = None
    container: str | None = None

    @property
    def path(self) -> Path | None:
        """The file; None is stdout."""
        return None if self.output == "-" else Path(self.output)

    @property
    def encode(self) -> Encode:
        """The encoder's settings."""
        from lipkit.media.video import Encode

        return Encode(codec=self.video_codec, crf=self.crf, container=self.container)


def deliver(data: bytes, output: str) -> None:
    """Bytes to a file, which appears whole or not at all, or to stdout."""
    from lipkit.media.target import open_target

    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with open_target(Path(output)) as part:
        part.write_bytes(data)


def write_video(
    chunks: Iterable[Frames],
    target: Target,
    *,
    size: tuple[int, int],
    fps: Fraction,
    total: int,
    sound: AudioTrack | None,
    record: dict[str, Any],
) -> None:
    """Encode chunks of frames as a finished video, which says that it is synthetic."""
    from lipkit.media.video import VideoWriter

    tags = {"comment": SYNTHETIC, "lipkit": provenance.compact(record)}
    writer = VideoWriter(
        target.path,
        size=size,
        fps=fps,
        audio=sound,
        encode=target.encode,
        metadata=tags,
    )
    write_all(writer, chunks, total)


def write_all(writer: VideoWriter, chunks: Iterable[Frames], total: int) -> None:
    """Write every chunk, made ahead in a thread, and show how far it is."""
    name = str(writer.path or "stdout")
    with ExitStack() as stack:
        out = stack.enter_context(writer)
        shown = stack.enter_context(ui.progress(total, name))
        for chunk in ahead(chunks):
            out.write(chunk)
            shown.advance(len(chunk))


def rendered(
    codec: FaceCodec, appearance: Appearance, motion: Iterable[Floats]
) -> Iterator[Frames]:
    """Crops of ``appearance`` under chunks of motion."""
    for chunk in motion:
        yield from codec.render(appearance, chunk)


def pasted(appearance: Appearance, crops: Iterable[Frames]) -> Iterator[Frames]:
    """Whole pictures, one at a time: a chunk of large ones would fill the memory."""
    for chunk in crops:
        for index in range(len(chunk)):
            yield appearance.paste(chunk[index : index + 1])


def rate_of(wish: str, source: Fraction) -> Fraction:
    """The frame rate that ``--fps`` asks for; ``source`` is what the input has."""
    if wish == "source":
        return source
    try:
        rate = Fraction(wish)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 1 <= rate <= 240:
        raise BadUsage(f"--fps {wish}", hint="a number from 1 to 240, or source")
    return rate
