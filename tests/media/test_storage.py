"""A result keeps what its source has, as far as its container can."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lipkit.media.description import VideoInfo
from lipkit.media.storage import store_like


def video(codec: str = "h264", bits: int = 8, alpha: bool = False) -> VideoInfo:
    color = {"space": "bt2020nc"}
    return VideoInfo(codec, 64, 48, 0, Fraction(25), "", bits, alpha, color, Fraction(4, 3))


@pytest.mark.parametrize(
    ("source", "container", "codec", "pixel", "losses"),
    [
        (video(), "mp4", "h264", "rgb24", 0),
        (video("hevc"), "matroska", "h264", "rgb24", 0),
        (video("vp9"), "webm", "vp9", "rgb24", 0),
        (video("hevc", 10), "mp4", "hevc", "rgb48", 0),
        (video("prores", 10), "mov", "prores", "rgb48", 0),
        (video("prores", 10), "mp4", "hevc", "rgb48", 0),
        (video("vp9", 10), "webm", "vp9", "rgb48", 0),
        (video("prores", 12, alpha=True), "mov", "prores", "rgba64", 0),
        (video("prores", 12, alpha=True), "webm", "vp9", "rgba", 1),
        (video("vp9", alpha=True), "matroska", "vp9", "rgba", 0),
        (video("vp9", alpha=True), "mp4", "h264", "rgb24", 1),
        (video("prores", 12, alpha=True), "mp4", "hevc", "rgb48", 1),
    ],
)
def test_the_codec_follows_source_and_container(
    source: VideoInfo, container: str, codec: str, pixel: str, losses: int
) -> None:
    storage = store_like(source, container)
    assert (storage.encode.codec, storage.pixel, len(storage.notes)) == (codec, pixel, losses)
    assert storage.color == {"space": "bt2020nc"}
    assert storage.aspect == Fraction(4, 3)


def test_wishes_rule() -> None:
    storage = store_like(video(bits=10), "mp4", codec="h264", crf=30, preset="slow")
    assert (storage.encode.codec, storage.encode.crf, storage.encode.preset) == ("h264", 30, "slow")
    assert storage.pixel == "rgb48"
    hardware = store_like(video(bits=10), "mp4", codec="h264_nvenc")
    assert hardware.pixel == "rgb24"
    assert "h264_nvenc keeps 8 bits" in hardware.notes[0]


def test_what_is_made_of_rgb_is_tagged_as_what_it_becomes() -> None:
    color = {"space": "gbr", "range": "pc", "primaries": "bt2020"}
    clip = replace(video("ffv1"), color=color)
    made = store_like(clip, "mp4").color
    assert made == {"space": "bt709", "range": "tv", "primaries": "bt2020", "transfer": "bt709"}
