"""What a media file holds, as ffmpeg sees it: one short run, no ffprobe."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.ffmpeg import READ_ONLY, complaint, finish, run, url

COLOR_FIELDS = ("space", "primaries", "transfer", "range")  # the order in which ffmpeg prints them

_STREAM = re.compile(
    r"^  Stream #0:(\d+)(?:\[\w+\])?(?:\([^)]*\))?: (Video|Audio|Attachment): (.*)$"
)
_DURATION = re.compile(r"^  Duration: (N/A|(\d+):(\d\d):(\d\d)\.(\d\d))(?:, start: (-?[\d.]+))?")
_ROTATION = re.compile(r"rotation of (-?[\d.]+) degrees")
_CHANNELS = re.compile(r"^(\d+) channels")
_NAMED_LAYOUTS = {
    "mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8,
    "hexadecagonal": 16,
}  # fmt: skip


@dataclass(frozen=True)
class VideoInfo:
    """The first picture stream; sizes and ``rotation`` (clockwise degrees) as shown."""

    codec: str
    width: int
    height: int
    rotation: int
    fps: Fraction
    pix_fmt: str
    bit_depth: int
    alpha: bool
    color: dict[str, str] = field(default_factory=dict)  # only what the file declares
    aspect: Fraction = Fraction(1)  # width of a pixel over its height
    variable: bool = False  # the declared average and base rates differ

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown."""
        return self.width, self.height


@dataclass(frozen=True)
class AudioInfo:
    """The first sound stream."""

    codec: str
    rate: int
    channels: int
    layout: str


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
    """What ``path`` holds; BadInput with ffmpeg's words when it is no media file."""
    # One decoded picture tells what the header only rounds: exact rate, and the size as shown.
    done = finish([
        "-hide_banner", "-nostdin", "-loglevel", "info", *READ_ONLY, "-i", url(path),
        "-map", "0:V:0?", "-map", "0:a:0?", "-c:v", "wrapped_avframe", "-c:a", "copy",
        "-fps_mode", "passthrough", "-frames:v", "1", "-frames:a", "1", "-f", "framecrc", "-",
    ])  # fmt: skip
    said = done.stderr.decode("utf-8", "replace")
    head, _, _ = said.partition("Stream mapping:")
    header = head.split("\nOutput #0")[0].splitlines()
    blocks = _stream_blocks(header)
    facts = _framecrc_header(done.stdout)
    if not facts:
        raise BadInput(f"{path}: {_reason(done.stderr, blocks)}")
    duration, start = _times(header)
    return MediaInfo(
        container=_container(header),
        duration=duration,
        video=_video(blocks, facts),
        audio=_audio(blocks),
        attachments=_attachments(blocks),
        start=start,
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


def _reason(stderr: bytes, blocks: list[tuple[str, str, list[str]]]) -> str:
    if any(kind in ("Video", "Audio") for kind, _, _ in blocks):
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


def _stream_blocks(header: list[str]) -> list[tuple[str, str, list[str]]]:
    """Kind, description and detail lines of each stream."""
    blocks: list[tuple[str, str, list[str]]] = []
    for line in header:
        if match := _STREAM.match(line):
            blocks.append((match[2], match[3], []))
        elif line.startswith("  Stream #"):
            blocks.append(("Other", line, []))
        elif blocks:
            blocks[-1][2].append(line)
    return blocks


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
            start = _zero(Fraction(match[6] or 0))
            if match[1] == "N/A":
                return None, start
            hours, minutes, seconds, hundredths = (int(match[k]) for k in range(2, 6))
            return (hours * 60 + minutes) * 60 + seconds + Fraction(hundredths, 100), start
    return None, Fraction(0)


def _zero(start: Fraction) -> Fraction:
    """The stamp of the file's zero: a clock that begins within a second of nought means it.

    Broadcasts and pieces of live streams begin anywhere and are moved to nought as a whole.
    """
    return start if start >= 1 else Fraction(0)


def _split(description: str) -> list[str]:
    """The parts between commas outside brackets."""
    return re.split(r", (?![^(\[]*[)\]])", description)


def _video(blocks: list[tuple[str, str, list[str]]], facts: dict[str, str]) -> VideoInfo | None:
    for kind, description, details in blocks:
        if kind != "Video" or description.endswith("(attached pic)"):
            continue
        if "dimensions" not in facts:
            return None
        parts = _split(description)
        codec = parts[0].split()[0]
        pix_fmt, _, tags = (parts[1] if len(parts) > 1 else "").partition("(")
        width, height = (int(side) for side in facts["dimensions"].split("x"))
        rotation = next((float(m[1]) for d in details if (m := _ROTATION.search(d))), 0.0)
        alpha = any(re.match(r"\s+alpha_mode\s*: 1$", line) for line in details)
        return VideoInfo(
            codec=codec,
            width=width,
            height=height,
            rotation=round(-rotation) % 360,
            fps=_fps(parts, facts),
            pix_fmt=pix_fmt,
            bit_depth=_bit_depth(pix_fmt),
            alpha=alpha
            or re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya\d|pal8", pix_fmt) is not None,
            color=_color(tags.rstrip(")")),
            aspect=_aspect(facts.get("sar", "1/1")),
            variable=_variable(parts),
        )
    return None


def _rate(parts: list[str], unit: str) -> str | None:
    return next((part.split()[0] for part in parts if part.split()[1:2] == [unit]), None)


def _variable(parts: list[str]) -> bool:
    return _rate(parts, "fps") not in (None, _rate(parts, "tbr"))


def _fps(parts: list[str], facts: dict[str, str]) -> Fraction:
    """The exact constant rate, or the average one to two digits where the rate varies."""
    average = _rate(parts, "fps")
    if average is None or not _variable(parts):
        return _standard(1 / Fraction(facts["tb"]))
    return Fraction(average.rstrip("k")) * (1000 if average.endswith("k") else 1)


def _standard(rate: Fraction) -> Fraction:
    """The whole or NTSC rate meant where a container's nanoseconds only come near it."""
    for meant in (Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)):
        if abs(rate - meant) < rate / 1_000_000:
            return meant
    return rate


def _aspect(text: str) -> Fraction:
    across, _, down = text.partition("/")
    return Fraction(int(across), int(down)) if int(across) and int(down) else Fraction(1)


def _bit_depth(pix_fmt: str) -> int:
    """Bits of one component, from the format's name."""
    if packed := re.match(r"(?:rgb|bgr)a?(48|64)", pix_fmt):
        return {"48": 16, "64": 16}[packed[1]]
    if match := re.search(r"(?:p|gray|ya|p0|p2|p4)(9|1\d)(?:le|be)$", pix_fmt):
        return int(match[1])
    return 8


def _color(tags: str) -> dict[str, str]:
    """Declared colour properties from ``tv, bt709/unknown/bt709, progressive``."""
    color: dict[str, str] = {}
    for tag in tags.split(", "):
        if tag in ("tv", "pc"):
            color["range"] = tag
        elif "/" in tag:
            color.update(zip(COLOR_FIELDS, tag.split("/"), strict=False))
        elif re.match(r"(bt|smpte|fcc|gbr|ycgco|ictcp|film|log|linear|iec|arib|ipt)", tag):
            color.update(dict.fromkeys(COLOR_FIELDS[:3], tag))
    return {name: value for name, value in color.items() if value not in ("unknown", "reserved")}


def _audio(blocks: list[tuple[str, str, list[str]]]) -> AudioInfo | None:
    for kind, description, _ in blocks:
        if kind != "Audio":
            continue
        parts = _split(description)
        rate = next((int(p.split()[0]) for p in parts if p.endswith(" Hz")), 0)
        if not rate:  # a stream that ffmpeg could not make out
            continue
        layout = parts[2] if len(parts) > 2 else "mono"
        return AudioInfo(parts[0].split()[0], rate, _channel_count(layout), layout)
    return None


def _channel_count(layout: str) -> int:
    if match := _CHANNELS.match(layout):
        return int(match[1])
    name = layout.split("(")[0].strip()
    if name in _NAMED_LAYOUTS:
        return _NAMED_LAYOUTS[name]
    if re.fullmatch(r"\d+(\.\d+)*", name):  # 5.1.2 is five, one and two
        return sum(int(n) for n in name.split("."))
    return 2


def _attachments(blocks: list[tuple[str, str, list[str]]]) -> tuple[str, ...]:
    names = []
    for kind, _, details in blocks:
        if kind == "Attachment":
            match = next((m for d in details if (m := re.match(r"\s+filename\s*: (.*)$", d))), None)
            names.append(match[1] if match else "")
    return tuple(names)
