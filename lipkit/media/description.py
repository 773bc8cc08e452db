"""ffmpeg's descriptions of streams, read back into facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

COLOR_FIELDS = ("space", "primaries", "transfer", "range")  # the order in which ffmpeg prints them

_STREAM = re.compile(
    r"^  Stream #0:(\d+)(?:\[\w+\])?(?:\([^)]*\))?: (Video|Audio|Attachment): (.*)$"
)
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


class Stream(NamedTuple):
    """What ffmpeg prints about one stream: its kind, its line, and the lines below it."""

    kind: str
    text: str
    details: list[str]


def find_streams(header: Sequence[str]) -> list[Stream]:
    """The streams that ffmpeg lists among the lines of its ``header``."""
    streams: list[Stream] = []
    for line in header:
        if match := _STREAM.match(line):
            streams.append(Stream(match[2], match[3], []))
        elif line.startswith("  Stream #"):
            streams.append(Stream("Other", line, []))
        elif streams:
            streams[-1].details.append(line)
    return streams


def _split(description: str) -> list[str]:
    """The parts between commas outside brackets."""
    return re.split(r", (?![^(\[]*[)\]])", description)


def describe_video(streams: Sequence[Stream], facts: Mapping[str, str]) -> VideoInfo | None:
    """The first moving picture; ``facts`` are those of framecrc's header."""
    for kind, description, details in streams:
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


def _fps(parts: list[str], facts: Mapping[str, str]) -> Fraction:
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


def describe_audio(streams: Sequence[Stream]) -> AudioInfo | None:
    """The first sound that ffmpeg can make out."""
    for kind, description, _ in streams:
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


def attachment_names(streams: Sequence[Stream]) -> tuple[str, ...]:
    """The attachments' names in their order."""
    names = []
    for kind, _, details in streams:
        if kind == "Attachment":
            match = next((m for d in details if (m := re.match(r"\s+filename\s*: (.*)$", d))), None)
            names.append(match[1] if match else "")
    return tuple(names)
