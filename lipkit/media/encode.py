"""Encode settings, and the ffmpeg arguments that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lipkit.errors import BadUsage, MediaError
from lipkit.media.ffmpeg import run


@dataclass(frozen=True)
class Encode:
    """How video is encoded; None leaves it to the codec's own default below."""

    codec: str = "h264"  # a name of CODECS, or a hardware encoder such as h264_nvenc
    crf: int | None = None  # constant quality, lower is better; the hardware encoders' equivalent
    preset: str | None = None
    pixel: str | None = None  # stored pixel format; yuv420p10le gives 10 bit
    container: str | None = None  # a name of CONTAINERS; None: by the output's suffix
    lossless: bool = False  # every RGB value comes back as it was


@dataclass(frozen=True)
class Codec:
    """An encoder: its quality option, defaults, and what keeps RGB exactly, if anything does."""

    encoder: str
    quality: tuple[str, ...] = ()  # options that take the quality number
    crf: int = 18
    fixed: tuple[str, ...] = ()
    pixel: str = "yuv420p"
    alpha: str | None = None  # pixel format that keeps alpha
    lossless: tuple[str, ...] | None = None  # encoder, pixel format, options
    device: tuple[str, ...] = ()  # what ffmpeg needs before its inputs
    upload: str = ""  # filter that brings frames to the device


CODECS = {
    "h264": Codec(
        "libx264", ("-crf",), lossless=("libx264rgb", "rgb24", "-qp", "0"),
    ),
    "hevc": Codec(
        "libx265", ("-crf",), 20, ("-tag:v", "hvc1", "-x265-params", "log-level=error"),
        lossless=("libx265", "gbrp", "-x265-params", "lossless=1:log-level=error"),
    ),
    "av1": Codec("libsvtav1", ("-crf",), 24, ("-svtav1-params", "lp=0")),
    "vp9": Codec(
        "libvpx-vp9", ("-crf",), 20, ("-b:v", "0", "-row-mt", "1", "-deadline", "good",
        "-cpu-used", "4"), alpha="yuva420p",
        lossless=("libvpx-vp9", "gbrp", "-lossless", "1", "-row-mt", "1"),
    ),
    "prores": Codec(
        "prores_ks", pixel="yuv422p10le", alpha="yuva444p10le", fixed=("-vendor", "apl0"),
    ),
    "ffv1": Codec(
        "ffv1", fixed=("-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1"),
        pixel="bgr0", alpha="bgra",
        lossless=("ffv1", "bgr0", "-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1"),
    ),
}  # fmt: skip

_HARDWARE = {
    "nvenc": Codec("", ("-cq",), 21, ("-rc", "vbr", "-b:v", "0"), "yuv420p"),
    "qsv": Codec("", ("-global_quality",), 21, (), "nv12"),
    "amf": Codec("", ("-qp_i", "-qp_p"), 21, ("-rc", "cqp"), "nv12"),
    "videotoolbox": Codec("", (), 21, ("-q:v", "65"), "nv12"),
    "vaapi": Codec(
        "", ("-qp",), 21, (), "nv12", device=("-vaapi_device", "/dev/dri/renderD128"),
        upload=",hwupload",
    ),
}  # fmt: skip

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_CARRIES_VIDEO = {
    "mp4": {"h264", "hevc", "av1", "vp9"},
    "mov": {"h264", "hevc", "prores"},
    "webm": {"vp9", "av1"},
}
_CARRIES_AUDIO = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "mp2"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "mp2", "pcm_s16le", "pcm_s24le", "pcm_s32le",
            "pcm_f32le", "pcm_s16be", "pcm_s24be", "pcm_u8"},
    "webm": {"opus", "vorbis"},
}  # fmt: skip
_OWN_AUDIO = {"mp4": "aac", "mov": "aac", "webm": "libopus", "matroska": "flac"}


def container_of(path: Path | None, encode: Encode) -> str:
    """The muxer: as set, else by ``path``'s suffix, else Matroska; BadUsage for unknown ones."""
    if encode.container is not None:
        known = {suffix[1:]: name for suffix, name in CONTAINERS.items()}
        name = known.get(encode.container, encode.container)
        if name not in CONTAINERS.values():
            raise BadUsage(f"unknown format {name!r}", hint=f"known: {', '.join(known)}")
        return name
    if path is None:
        return "matroska"
    suffix = path.suffix.lower()
    if suffix not in CONTAINERS:
        raise BadUsage(
            f"{path}: no video format is called {suffix or 'nothing'!r}",
            hint=f"end the name in {', '.join(CONTAINERS)}",
        )
    return CONTAINERS[suffix]


def find_codec(encode: Encode, container: str) -> Codec:
    """The encoder that ``encode`` names; BadUsage if unknown or not for ``container``."""
    name = encode.codec
    family, _, hardware = name.partition("_")
    if name in CODECS:
        codec = CODECS[name]
    elif is_hardware(name):
        if name not in _encoders():
            raise BadUsage(
                f"this ffmpeg has no encoder {name}", hint="set LIPKIT_FFMPEG to one that has it"
            )
        base = _HARDWARE[hardware]
        codec = Codec(**{**vars(base), "encoder": name})
    else:
        raise BadUsage(
            f"unknown video codec {name!r}",
            hint=f"known: {', '.join(CODECS)}, and {{h264,hevc,av1}}_{{{','.join(_HARDWARE)}}}",
        )
    carried = _CARRIES_VIDEO.get(container)
    if carried is not None and family not in carried:
        raise BadUsage(
            f"{container} does not carry {family}", hint="use .mkv, which carries everything"
        )
    if encode.lossless and codec.lossless is None:
        raise BadUsage(f"{name} cannot keep every pixel", hint="use ffv1, h264, hevc or vp9")
    return codec


def is_hardware(name: str) -> bool:
    """Whether the codec ``name`` stands for an encoder in hardware."""
    family, _, hardware = name.partition("_")
    return hardware in _HARDWARE and family in ("h264", "hevc", "av1")


def stored_pixel(encode: Encode, codec: Codec, frames: str) -> str:
    """The pixel format on disk for incoming ``frames`` of layout rgb24, rgba, rgb48le, rgba64le."""
    if encode.lossless:
        assert codec.lossless is not None
        if codec.encoder == "ffv1":
            deep = {"rgb48le": "gbrp16le", "rgba64le": "gbrap16le"}
            return {"rgba": "bgra", **deep}.get(frames, "bgr0")
        if frames != "rgb24":
            raise BadUsage(f"lossless {encode.codec} keeps 8-bit RGB only", hint="use ffv1")
        return codec.lossless[1]
    if encode.pixel is not None:
        return encode.pixel
    if frames.startswith("rgba"):
        if codec.alpha is None:
            raise BadUsage(f"{encode.codec} has no alpha", hint="use prores, vp9 or ffv1")
        return "gbrap16le" if (codec.alpha, frames) == ("bgra", "rgba64le") else codec.alpha
    if frames == "rgb48le" and codec.encoder == "ffv1":
        return "gbrp16le"
    if frames == "rgb48le" and codec.pixel == "yuv420p" and not codec.device:
        return "yuv420p10le"
    return codec.pixel


def video_arguments(encode: Encode, codec: Codec) -> list[str]:
    """Output options that select and set the encoder."""
    if encode.lossless:
        assert codec.lossless is not None
        args = ["-c:v", codec.lossless[0], *codec.lossless[2:]]
    else:
        crf = codec.crf if encode.crf is None else encode.crf
        args = ["-c:v", codec.encoder, *codec.fixed]
        for option in codec.quality:
            args += [option, str(crf)]
    if encode.preset is not None:
        args += ["-preset", encode.preset]
    return args


def audio_arguments(source: str, channels: int, container: str) -> list[str]:
    """Options that copy the sound where ``container`` carries it, else encode it at its own rate.

    ``source`` is the codec of the sound as it is.
    """
    carried = _CARRIES_AUDIO.get(container)
    if carried is None or source in carried:
        return ["-c:a", "copy", *(["-strict", "-2"] if source in ("opus", "flac") else [])]
    own = _OWN_AUDIO[container]
    return ["-c:a", own, "-b:a", f"{max(128, 80 * channels)}k"]


def mux_arguments(container: str, *, seekable: bool) -> list[str]:
    """Options of the muxer; on a pipe, mp4 must come in fragments."""
    if container in ("mp4", "mov"):
        if seekable:
            return ["-f", container, "-movflags", "+faststart+use_metadata_tags"]
        # The header waits for the first fragment: before it, no edit list could shift the sound's
        # priming, and every time stamp would move.
        flags = "+frag_keyframe+delay_moov+default_base_moof+use_metadata_tags"
        return ["-f", container, "-movflags", flags]
    return ["-f", container]


@cache
def _encoders() -> frozenset[str]:
    try:
        listed = run(["-hide_banner", "-encoders"]).decode("utf-8", "replace")
    except MediaError:
        return frozenset()
    return frozenset(line.split()[1] for line in listed.splitlines() if len(line.split()) > 1)
