"""Clips: aligned crops, their sound and their geometry in one Matroska file that players open.

The geometry is an attachment, a safetensors file of its own; attachments stand before the frames,
so it must be known when writing starts. How the clip was made is a tag.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lipkit.artifacts.sniff import GEOMETRY_NAME
from lipkit.artifacts.tensors import pack, unpack
from lipkit.errors import BadInput
from lipkit.media.attachment import read_attachment
from lipkit.media.description import VideoInfo
from lipkit.media.probe import MediaInfo, read_tags, require_video
from lipkit.media.video import AudioTrack, Encode, Pixel, VideoWriter, read_frames

TAG = "lipkit"
LOSSLESS = Encode(codec="ffv1", lossless=True)


@dataclass(frozen=True)
class Clip:
    """An opened clip: geometry ``tensors`` and ``header``, how it was made, and its media."""

    path: Path
    tensors: dict[str, NDArray[Any]]
    header: dict[str, Any]
    provenance: dict[str, Any]
    info: MediaInfo
    video: VideoInfo

    def frames(self, *, chunk: int = 32, pixel: Pixel = "rgb24") -> Iterator[NDArray[Any]]:
        """Chunks ``(f, h, w, c)`` of the crops; BadInput unless there are as many as rows."""
        count = 0
        for frames in read_frames(self.path, chunk=chunk, pixel=pixel):
            count += len(frames)
            yield frames
        if count != self.count:
            raise BadInput(f"{self.path}: {count} frames, but geometry of {self.count}")

    @property
    def count(self) -> int:
        """The number of frames."""
        return len(next(iter(self.tensors.values())))

    @property
    def audio(self) -> AudioTrack | None:
        """The sound that the clip carries, to be muxed along."""
        return AudioTrack(self.path) if self.info.audio else None


def open_clip_writer(
    path: Path | None,
    tensors: Mapping[str, NDArray[Any]],
    header: Mapping[str, Any],
    *,
    size: tuple[int, int],
    times: Iterable[Fraction],
    audio: AudioTrack | None = None,
    encode: Encode = LOSSLESS,
    provenance: Mapping[str, Any] | None = None,
    color: Mapping[str, str] | None = None,
    pixel: Pixel = "rgb24",
) -> VideoWriter:
    """A writer of crops ``(f, h, w, c)`` into a clip at ``path``; None is standard output.

    ``tensors`` and ``header`` are the geometry, one row a frame; ``times`` their seconds;
    ``pixel`` what the crops are, 8 or 16 bits.
    """
    return VideoWriter(
        path,
        size=size,
        times=times,
        audio=audio,
        encode=replace(encode, container="matroska"),
        color=color,
        pixel=pixel,
        metadata={TAG: json.dumps(dict(provenance or {}), sort_keys=True, ensure_ascii=False)},
        attachments={GEOMETRY_NAME: pack("geometry", tensors, header)},
    )


def read_clip(path: Path) -> Clip:
    """The clip in ``path``, its frames still unread; BadInput for any other file."""
    info, video = require_video(path)
    if GEOMETRY_NAME not in info.attachments:
        raise BadInput(f"{path}: a video, but no clip of lipkit's", hint="run lipkit align first")
    data = read_attachment(path, info.attachments.index(GEOMETRY_NAME))
    tensors, header = unpack(data, f"{path}:{GEOMETRY_NAME}", "geometry")
    if not tensors or len({len(t) for t in tensors.values() if t.ndim}) != 1:
        raise BadInput(f"{path}: its geometry has rows of different number")
    return Clip(path, tensors, header, read_provenance(path), info, video)


def read_provenance(path: Path) -> dict[str, Any]:
    """How a media file was made, from its tag or, as in WAV, its comment; empty where none is."""
    tags = read_tags(path)
    try:
        record = json.loads(tags.get(TAG) or tags.get("comment", ""))
    except ValueError:
        return {}
    ours = isinstance(record, dict) and (TAG in tags or {"tool", "verb"} <= record.keys())
    return record if ours else {}
