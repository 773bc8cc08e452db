"""Raw frames with exact time stamps as a Matroska stream: how frames travel to ffmpeg.

Raw video on a pipe carries no time stamps, so it can only tell of constant rates. Matroska with
uncompressed video (RFC 9559, codec V_UNCOMPRESSED) costs 50 bytes a frame and stamps each one in
nanoseconds, from which any time base coarser than a microsecond is recovered exactly.
"""

from __future__ import annotations

from fractions import Fraction

NANOSECONDS = 1_000_000_000
# How the layouts are called in RFC 9559's UncompressedFourCC, as ffmpeg reads it.
FOURCC = {"rgb24": b"RGB\x18", "rgba": b"RGBA", "rgb48le": b"RGB\x30", "rgba64le": b"RBA\x40"}

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_TRACK = b"\x81"


def header(size: tuple[int, int], layout: str, period: Fraction) -> bytes:
    """Everything before the first frame; ``period`` is the usual time between frames."""
    width, height = size
    ebml = _element(
        0x1A45DFA3,
        _number(0x4286, 1) + _number(0x42F7, 1) + _number(0x42F2, 4) + _number(0x42F3, 8)
        + _element(0x4282, b"matroska") + _number(0x4287, 4) + _number(0x4285, 2),
    )  # fmt: skip
    info = _element(0x1549A966, _number(0x2AD7B1, 1))  # ticks of one nanosecond
    video = _number(0xB0, width) + _number(0xBA, height) + _element(0x2EB524, FOURCC[layout])
    track = (
        _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1)
        + _element(0x86, b"V_UNCOMPRESSED") + _element(0xE0, video)
        + _number(0x23E383, nanoseconds(period))
    )  # fmt: skip
    tracks = _element(0x1654AE6B, _element(0xAE, track))
    return ebml + _name(0x18538067) + _UNKNOWN_SIZE + info + tracks


def frame_header(time: Fraction, until: Fraction, frame_bytes: int) -> bytes:
    """What precedes the bytes of a frame shown from ``time`` to ``until`` seconds."""
    begin = nanoseconds(time)
    block = _TRACK + b"\x00\x00\x00"  # no offset to the cluster's time stamp, no flags
    stamp = _number(0xE7, begin)
    group = _number(0x9B, max(1, nanoseconds(until) - begin))
    group += _name(0xA1) + _size(len(block) + frame_bytes) + block
    group_head = _name(0xA0) + _size(len(group) + frame_bytes)
    cluster_bytes = len(stamp) + len(group_head) + len(group) + frame_bytes
    return _name(0x1F43B675) + _size(cluster_bytes) + stamp + group_head + group


def nanoseconds(seconds: Fraction) -> int:
    """Whole nanoseconds nearest to ``seconds``."""
    return round(seconds * NANOSECONDS)


def _name(identifier: int) -> bytes:
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def _size(count: int) -> bytes:
    return (count | 1 << 56).to_bytes(8, "big")


def _element(identifier: int, payload: bytes) -> bytes:
    return _name(identifier) + _size(len(payload)) + payload


def _number(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(8, "big"))
