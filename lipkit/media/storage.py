"""How to store a result so that it keeps what its source has: depth, cover, colour, pixel shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from lipkit.media.color import NEW_PICTURE
from lipkit.media.description import VideoInfo
from lipkit.media.encode import CODECS, Encode
from lipkit.media.video import Pixel

# Speed of the encoder where the user does not choose: these keep up with the edit on two cores.
PRESETS = {"h264": "veryfast", "hevc": "superfast"}
_WITH_ALPHA = {"mov": "prores", "webm": "vp9", "matroska": "vp9"}
_TEN_BIT = ("h264", "hevc", "vp9", "av1", "prores", "ffv1")


@dataclass(frozen=True)
class Storage:
    """Encoder, layout of the frames between decoder and encoder, and tags; ``notes`` on losses."""

    encode: Encode
    pixel: Pixel
    color: Mapping[str, str]
    aspect: Fraction
    notes: tuple[str, ...] = ()


def store_like(
    video: VideoInfo,
    container: str,
    *,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
) -> Storage:
    """The storage in ``container`` that keeps most of ``video``; ``codec`` None: as fits both.

    Cover goes into ProRes 4444 (mov) or VP9 (webm, mkv), more than 8 bits into ProRes, HEVC or VP9
    of 10 bits, all else into H.264, or VP9 in a webm.
    """
    name = codec or _codec_for(video, container)
    notes = []
    alpha = video.alpha and name in CODECS and CODECS[name].alpha is not None
    if video.alpha and not alpha:
        notes.append(f"{name} in {container} has no alpha: it is lost; .mov and .webm keep it")
    deep = video.bit_depth > 8 and name in _TEN_BIT and not (alpha and name == "vp9")
    if video.bit_depth > 8 and not deep:
        kept = "alpha of VP9 comes with 8 bits" if alpha else f"{name} keeps 8 bits"
        notes.append(f"{kept} of the source's {video.bit_depth}")
    pixel: Pixel = ("rgba64" if deep else "rgba") if alpha else ("rgb48" if deep else "rgb24")
    encode = Encode(codec=name, crf=crf, preset=preset or PRESETS.get(name), container=container)
    return Storage(encode, pixel, _color_like(video), video.aspect, tuple(notes))


def _color_like(video: VideoInfo) -> dict[str, str]:
    """The tags of ``video``; a source in RGB has no luma, so what is made of it gets new ones."""
    own = dict(video.color)
    if own.get("space") != "gbr":
        return own
    del own["space"]
    own.pop("range", None)
    return {**NEW_PICTURE, **own}


def _codec_for(video: VideoInfo, container: str) -> str:
    if video.alpha and container in _WITH_ALPHA:
        lasting = video.codec == "prores" and container == "matroska"
        return "prores" if lasting else _WITH_ALPHA[container]
    if container == "webm":
        return "vp9"
    if video.bit_depth > 8:
        return "prores" if video.codec == "prores" and container != "mp4" else "hevc"
    return "h264"
