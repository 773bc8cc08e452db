"""What a file is, from its bytes; its name says nothing."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from lipkit.errors import BadInput
from lipkit.media.probe import probe
from lipkit.media.source import check_source

GEOMETRY_NAME = "geometry.safetensors"
# Attachments stand before the frames, behind at most some codec tables.
_HEAD_BYTES = 256 << 10


class Kind(StrEnum):
    """The kinds of files that lipkit tells apart."""

    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    CLIP = "clip"
    FEATURES = "features"
    LATENTS = "latents"
    MOTION = "motion"
    GEOMETRY = "geometry"
    EDITS = "edits"
    CONTRIBUTION = "contribution"
    WEIGHTS = "weights"
    SHARDS = "shards"
    TEXT = "text"
    UNKNOWN = "unknown"


_IMAGES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*",
    b"\x00\x00\x00\x0cjP  ", b"\xff\x0a", b"P5", b"P6", b"qoif",
)  # fmt: skip
_SOUNDS = (b"ID3", b"fLaC", b".snd", b"FORM", b"caff", b"#!AMR", b"wvpk")
_PICTURE_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}


def sniff(path: Path) -> Kind:
    """The kind of the file ``path``; BadInput if it is missing, empty or unreadable."""
    check_source(path)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    kind = _from_magic(head) or _from_safetensors(head)
    if kind is not None:
        return kind
    if _is_text(head):  # asked first: ffmpeg reads some texts as animations
        return Kind.TEXT
    try:
        info = probe(path)
    except BadInput:
        return Kind.UNKNOWN
    return Kind.VIDEO if info.video else Kind.AUDIO


def _from_magic(head: bytes) -> Kind | None:
    if head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return Kind.IMAGE
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return Kind.IMAGE
    if head.startswith(_SOUNDS) or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"):
        return Kind.AUDIO
    if head.startswith(b"\x1a\x45\xdf\xa3") and GEOMETRY_NAME.encode() in head:
        return Kind.CLIP
    if head[257:262] == b"ustar":
        return Kind.SHARDS
    return None


def _from_safetensors(head: bytes) -> Kind | None:
    """The kind in a safetensors header; files by others hold weights."""
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{" or length < 2:
        return None
    if 8 + length > len(head):  # a long table, as weights have
        return Kind.WEIGHTS if b'"dtype"' in head or b"__metadata__" in head[:64] else None
    try:
        own = json.loads(head[8 : 8 + length])["__metadata__"]["lipkit"]
        return Kind(json.loads(own)["kind"])
    except KeyError:
        return Kind.WEIGHTS
    except (ValueError, TypeError):
        return Kind.UNKNOWN


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) - error.start < 4 and len(head) == _HEAD_BYTES
    return True
