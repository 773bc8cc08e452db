"""Pixels come back as they were: colour, depth, alpha, rotation, size."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lipkit.errors import BadUsage
from lipkit.media.ffmpeg import run
from lipkit.media.probe import probe
from lipkit.media.video import Encode, VideoWriter, read_frames

PLAIN = ("-f", "lavfi", "-i", "color=0xC81E3C:size=64x48:rate=25:duration=0.2")


def all_frames(path: Path, **options: object) -> np.ndarray:
    return np.concatenate(list(read_frames(path, **options)))


def smooth(count: int = 5, dtype: type = np.uint8) -> np.ndarray:
    """Gently varying frames (f, 48, 64, 3) that chroma subsampling does not hurt."""
    y, x = np.mgrid[0:48, 0:64]
    top = np.iinfo(dtype).max
    frames = np.stack([np.stack([x / 63, y / 47, (k + x + y) / 130], -1) for k in range(count)])
    return np.clip(frames * top, 0, top).astype(dtype)


@pytest.mark.parametrize(
    ("space", "matrix"), [("bt709", "bt709"), ("smpte170m", "smpte170m"), ("bt2020nc", "bt2020nc")]
)
@pytest.mark.parametrize("limits", ["tv", "pc"])
def test_declared_matrix_and_range_are_used_and_kept(
    make, tmp_path: Path, space: str, matrix: str, limits: str
) -> None:
    source = make(
        "a.mp4", *PLAIN, "-vf",
        f"scale=out_color_matrix={matrix}:out_range={limits}:flags=accurate_rnd+full_chroma_int,"
        f"format=yuv444p,setparams=colorspace={space}:color_primaries=bt709:color_trc=bt709"
        f":range={limits}",
        "-c:v", "libx264", "-qp", "0",
    )  # fmt: skip
    frames = all_frames(source)
    assert np.abs(frames.reshape(-1, 3).astype(int) - [0xC8, 0x1E, 0x3C]).max() <= 2
    color = probe(source).video.color
    assert (color["space"], color["range"]) == (space, limits)
    copy = tmp_path / "b.mp4"
    with VideoWriter(copy, size=(64, 48), fps=25, color=color, encode=Encode(crf=4)) as writer:
        writer.write(frames)
    assert probe(copy).video.color == color
    assert np.abs(all_frames(copy).astype(int) - frames).max() <= 3


def luma(path: Path) -> np.ndarray:
    raw = run(["-v", "error", "-i", f"file:{path}", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"])
    return np.frombuffer(raw, np.uint8).reshape(5, -1)[:, : 64 * 48].astype(int)


def test_luma_survives_decoding_and_encoding_unchanged(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.mp4", tmp_path / "b.mkv"
    with VideoWriter(source, size=(64, 48), fps=25) as writer:
        writer.write(smooth())
    encode = Encode(codec="ffv1", pixel="yuv420p")
    with VideoWriter(copy, size=(64, 48), fps=25, encode=encode) as writer:
        writer.write(all_frames(source))
    change = luma(copy) - luma(source)
    assert abs(change.mean()) < 0.02  # libswscale's defaults lose more than a whole level
    assert np.abs(change).mean() < 0.1


@pytest.mark.parametrize(
    ("codec", "suffix"), [("ffv1", "mkv"), ("h264", "mp4"), ("hevc", "mp4"), ("vp9", "webm")]
)
def test_lossless(tmp_path: Path, codec: str, suffix: str) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 48, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    encode = Encode(codec=codec, lossless=True)
    with VideoWriter(path, size=(64, 48), fps=25, encode=encode) as writer:
        writer.write(frames)
    assert np.array_equal(all_frames(path), frames)


def test_odd_sizes_lose_the_last_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(63, 47), fps=25) as writer:
        writer.write(np.ascontiguousarray(smooth()[:, :47, :63]))
    assert probe(path).video.size == (62, 46)


@pytest.mark.parametrize(("turn", "size"), [(90, (48, 64)), (180, (64, 48)), (270, (48, 64))])
def test_rotation_is_applied(make, talk: Path, turn: int, size: tuple[int, int]) -> None:
    turned = make("r.mp4", "-display_rotation", str(turn), "-i", str(talk), "-c", "copy")
    video = probe(turned).video
    assert video.size == size
    assert video.rotation == (360 - turn) % 360
    upright, seen = all_frames(talk)[0], all_frames(turned)[0]
    assert np.abs(np.rot90(upright, turn // 90).astype(int) - seen).mean() < 2


@pytest.mark.parametrize(
    ("codec", "suffix", "slack"), [("prores", "mov", 3), ("vp9", "webm", 8), ("ffv1", "mkv", 0)]
)
def test_alpha(tmp_path: Path, codec: str, suffix: str, slack: int) -> None:
    alpha = np.broadcast_to(np.linspace(0, 255, 64, dtype=np.uint8), (5, 48, 64))[..., None]
    frames = np.concatenate([smooth(), alpha], -1)
    path = tmp_path / f"a.{suffix}"
    encode = Encode(codec=codec)
    with VideoWriter(path, size=(64, 48), fps=25, encode=encode, pixel="rgba") as writer:
        writer.write(frames)
    assert probe(path).video.alpha
    back = all_frames(path, pixel="rgba")
    assert np.abs(back[..., 3].astype(int) - frames[..., 3]).max() <= slack


def test_alpha_needs_a_codec_that_has_it(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="h264 has no alpha"):
        VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25, pixel="rgba").__enter__()


@pytest.mark.parametrize(("codec", "suffix"), [("h264", "mp4"), ("ffv1", "mkv")])
def test_more_than_eight_bits(tmp_path: Path, codec: str, suffix: str) -> None:
    frames = smooth(dtype=np.uint16)
    path = tmp_path / f"a.{suffix}"
    encode = Encode(codec=codec, crf=4 if codec == "h264" else None)
    with VideoWriter(path, size=(64, 48), fps=25, pixel="rgb48", encode=encode) as writer:
        writer.write(frames)
    assert probe(path).video.bit_depth == (16 if codec == "ffv1" else 10)
    back = all_frames(path, pixel="rgb48")
    assert back.dtype == np.uint16
    error = np.abs(back.astype(int) - frames).mean()
    assert error == 0 if codec == "ffv1" else error < 200  # a level of 8 bits is 257


def test_scaled_reading_and_large_frames_in_small_chunks(talk: Path, monkeypatch) -> None:
    assert all_frames(talk, size=(32, 24)).shape == (25, 24, 32, 3)
    monkeypatch.setattr("lipkit.media.video.CHUNK_BYTES", 3 * 64 * 48 * 3)
    assert [len(c) for c in read_frames(talk)] == [3] * 8 + [1]


def test_size_that_changes_midway(make, talk: Path) -> None:
    small = make("s.ts", "-i", str(talk), "-vf", "scale=32:24", "-an", "-c:v", "libx264")
    large = make("l.ts", "-i", str(talk), "-an", "-c:v", "libx264")
    both = small.with_name("both.ts")
    both.write_bytes(large.read_bytes() + small.read_bytes())
    assert all_frames(both).shape[1:] == (48, 64, 3)


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, size=(64, 48), fps=25, aspect=Fraction(4, 3)) as writer:
        writer.write(smooth())
    assert probe(path).video.aspect == Fraction(4, 3)
    assert probe(path).video.size == (64, 48)


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="frames float64"),
        VideoWriter(tmp_path / "a.mp4", size=(64, 48), fps=25) as writer,
    ):
        writer.write(np.zeros((1, 48, 64, 3)))
    assert list(tmp_path.iterdir()) == []


def test_deep_colour_and_alpha_travel_together(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 65535, (2, 6, 8, 4)).astype(np.uint16)
    frames = coarse.repeat(8, 1).repeat(8, 2)
    for name, encode, off in (
        ("a.mkv", Encode("ffv1", lossless=True), 0),
        ("a.mov", Encode("prores"), 256),
    ):
        path = tmp_path / name
        with VideoWriter(path, size=(64, 48), fps=25, encode=encode, pixel="rgba64") as writer:
            writer.write(frames)
        back = np.concatenate(list(read_frames(path, pixel="rgba64")))
        assert np.abs(back.astype(int) - frames).max() <= off
