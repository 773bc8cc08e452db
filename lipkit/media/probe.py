"""What a media file holds, as ffmpeg sees it: one short run, no ffprobe."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.description import (
    AudioInfo,
    Stream,
    VideoInfo,
    attachment_names,
    describe_audio,
    describe_video,
    find_streams,
)
from lipkit.media.ffmpeg import READ_ONLY, complaint, finish, run, url
from lipkit.media.source import check_source

__all__ = ["AudioInfo", "MediaInfo", "VideoInfo", "probe", "read_tags", "require_video"]

_DURATION = re.compile(r"^  Duration: (N/A|(\d+):(\d\d):(\d\d)\.(\d\d))(?:, start: (-?[\d.]+))?")


@dataclass(frozen=True)
class MediaInfo:
    """What one file holds; ``duration`` in seconds to 10 ms, ``start`` the stamp of its zero."""

    container: str
    duration: Fraction | None
    video: VideoInfo | None
    audio: AudioInfo | None
    attachments: tuple[str, ...]
    start: Fraction = Fraction(0)


def probe(path: Path) -> MediaInfo:
    """What ``path`` holds; BadInput with ffmpeg's words when it is no media file.

    The first picture must be decodable, so that its size and rate are known for sure.
    """
    check_source(path)
    # One decoded picture tells what the header only rounds: exact rate, and the size as shown.
    done = finish([
        "-hide_banner", "-nostdin", "-loglevel", "info", *READ_ONLY, "-i", url(path),
        "-map", "0:V:0?", "-map", "0:a:0?", "-c:v", "wrapped_avframe", "-c:a", "copy",
        "-fps_mode", "passthrough", "-frames:v", "1", "-frames:a", "1", "-f", "framecrc", "-",
    ])  # fmt: skip
    said = done.stderr.decode("utf-8", "replace")
    head, _, _ = said.partition("Stream mapping:")
    header = head.split("\nOutput #0")[0].splitlines()
    streams = find_streams(header)
    facts = _framecrc_header(done.stdout)
    if not facts:
        raise BadInput(f"{path}: {_reason(done.stderr, streams)}")
    container = _container(header)
    duration, start = _times(header)
    return MediaInfo(
        container=container,
        duration=duration,
        video=describe_video(streams, facts),
        audio=describe_audio(streams),
        attachments=attachment_names(streams),
        start=_zero(start, container),
    )


def require_video(path: Path) -> tuple[MediaInfo, VideoInfo]:
    """The properties of a file that must have pictures; BadInput if it has none."""
    info = probe(path)
    if info.video is None:
        raise BadInput(f"{path}: no video in this file")
    return info, info.video


def read_tags(path: Path) -> dict[str, str]:
    """The container's own tags, keys in lower case, values exact."""
    text = run([
        "-hide_banner", "-nostdin", "-loglevel", "error", *READ_ONLY, "-i", url(path),
        "-f", "ffmetadata", "-",
    ]).decode("utf-8", "replace")  # fmt: skip
    tags: dict[str, str] = {}
    for entry in re.split(r"(?<!\\)(?:\\\\)*\n", text)[1:]:
        if entry.startswith("["):  # chapters and streams follow
            break
        key, found, value = entry.partition("=")
        if found:
            tags[key.lower()] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
    return tags


def _reason(stderr: bytes, streams: list[Stream]) -> str:
    if any(kind in ("Video", "Audio") for kind, _, _ in streams):
        return f"cannot be decoded: {_last_words(stderr)}"
    if b"Input #0" in stderr:
        return "neither pictures nor sound in this file"
    return f"not a media file that ffmpeg knows: {_last_words(stderr)}"


def _last_words(stderr: bytes) -> str:
    """The complaint without the description of the streams, which is indented or a heading."""
    lines = [
        line
        for line in stderr.splitlines()
        if not line.startswith((b" ", b"Input #", b"Output #", b"Stream mapping", b"frame="))
    ]
    return complaint(b"\n".join(lines))


def _framecrc_header(stdout: bytes) -> dict[str, str]:
    """``#tb``, ``#dimensions`` and their like of the first video stream, else of the sound."""
    facts: dict[str, str] = {}
    for line in stdout.decode("ascii", "replace").splitlines():
        if match := re.match(r"#(\w+) 0: (.*)", line):
            facts[match[1]] = match[2]
    return facts


def _container(header: list[str]) -> str:
    for line in header:
        if match := re.match(r"Input #0, (.*), from ", line):
            return match[1]
    return "unknown"


def _times(header: list[str]) -> tuple[Fraction | None, Fraction]:
    for line in header:
        if match := _DURATION.match(line):
            start = Fraction(match[6] or 0)
            if match[1] == "N/A":
                return None, start
            hours, minutes, seconds, hundredths = (int(match[k]) for k in range(2, 6))
            return (hours * 60 + minutes) * 60 + seconds + Fraction(hundredths, 100), start
    return None, Fraction(0)


def _zero(start: Fraction, container: str) -> Fraction:
    """The stamp of the file's zero, given its first one.

    A clock that begins within a second of nought means it: one stream sets in late. Broadcasts
    and pieces of live streams begin anywhere and are moved to nought as a whole.
    """
    return start if start >= 1 or container in ("mpegts", "mpeg") else Fraction(0)
