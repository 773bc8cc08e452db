"""Conversion between stored pictures and RGB that gives back the pixels it was given.

libswscale's quick paths darken by about one grey level on each pass. Accurate rounding is exact in
luma there and back; through a planar format it takes half the time of the direct way.
"""

from __future__ import annotations

from collections.abc import Mapping

from lipkit.media.description import VideoInfo

FLAGS = "bicubic+accurate_rnd+full_chroma_int"
# Packed layout -> the planar one of equal depth, a channel count, and whether it is 16 bit.
PLANAR = {"rgb24": "gbrp", "rgba": "gbrap", "rgb48le": "gbrp16le", "rgba64le": "gbrap16le"}
NEW_PICTURE = {"space": "bt709", "primaries": "bt709", "transfer": "bt709", "range": "tv"}

_SWSCALE = {
    "bt709": "bt709", "smpte170m": "smpte170m", "bt470bg": "bt470", "fcc": "fcc",
    "smpte240m": "smpte240m", "bt2020nc": "bt2020", "bt2020c": "bt2020",
}  # fmt: skip
_SETPARAMS = {
    "space": "colorspace", "primaries": "color_primaries", "transfer": "color_trc",
    "range": "range",
}  # fmt: skip


def matrix(color: Mapping[str, str], height: int) -> str:
    """The luma matrix by libswscale's name: as declared, else as players guess it by size."""
    guess = "bt709" if height >= 720 else "smpte170m"
    return _SWSCALE.get(color.get("space", ""), guess)


def decode_filter(video: VideoInfo, size: tuple[int, int], pixel: str, *, exact: bool) -> str:
    """The filter from ``video``'s own format to ``size`` and the packed layout ``pixel``."""
    # Without a size a stream that changes its own midway would break the row of equal frames.
    scale = f"scale={size[0]}:{size[1]}:flags={FLAGS if exact else 'bilinear'}"
    if video.color.get("space") != "gbr":
        scale += f":in_color_matrix={matrix(video.color, video.height)}"
    planar = [f"format={PLANAR[pixel]}"] if exact else []
    return ",".join([scale, *planar, f"format={pixel}"])


def encode_filter(
    color: Mapping[str, str], size: tuple[int, int], pixel: str, stored: str, aspect: str
) -> str:
    """The filter from packed ``pixel`` frames to the ``stored`` format, tagged with ``color``."""
    width, height = size
    steps = []
    if "420" in stored or stored in ("nv12", "p010le"):
        width, height = width - width % 2, height - height % 2
        steps.append(f"crop={width}:{height}:0:0")
    elif "422" in stored:
        width -= width % 2
        steps.append(f"crop={width}:{height}:0:0")
    full = "pc" if color.get("range") == "pc" else "tv"
    if stored.startswith(("yuv", "nv", "p0")):
        steps.append(
            f"scale={width}:{height}:flags={FLAGS}"
            f":out_color_matrix={matrix(color, height)}:out_range={full}"
        )
        tags = {name: color[name] for name in _SETPARAMS if name in color}
    else:
        tags = {name: color[name] for name in ("primaries", "transfer") if name in color}
    steps.append(f"format={stored}")
    if tags:
        steps.append("setparams=" + ":".join(f"{_SETPARAMS[k]}={v}" for k, v in tags.items()))
    return ",".join([*steps, f"setsar={aspect}"])
