"""Pictures: orientation, alpha, colour models, depth, animation, and broken ones."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageCms

from lipkit.errors import BadInput
from lipkit.media.image import limited, read_image


def corner(mode: str = "RGB") -> Pictures.Image:
    """A picture 40 wide, 30 high, red but for a blue top left quarter."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[..., 0] = 200
    pixels[:15, :20] = [0, 0, 200]
    return Pictures.fromarray(pixels).convert(mode)


@pytest.mark.parametrize(
    ("orientation", "size", "blue"),
    [
        (1, (30, 40), (0, 0)),
        (3, (30, 40), (-1, -1)),
        (6, (40, 30), (0, -1)),
        (8, (40, 30), (-1, 0)),
    ],
)
def test_exif_orientation(tmp_path: Path, orientation: int, size, blue) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = orientation
    corner().save(tmp_path / "a.jpg", exif=exif, quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.rgb.shape == (*size, 3)
    assert image.rgb[blue][2] > 150
    assert image.notes == ()


def test_alpha_is_kept_apart(tmp_path: Path) -> None:
    picture = corner("RGBA")
    picture.putalpha(Pictures.linear_gradient("L").resize((40, 30)))
    picture.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.rgb.shape == (30, 40, 3)
    assert image.alpha.shape == (30, 40)
    assert image.alpha[0, 0] < 10 < 240 < image.alpha[-1, 0]


def test_opaque_alpha_is_none(tmp_path: Path) -> None:
    corner("RGBA").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").alpha is None


def test_palette_with_transparency(tmp_path: Path) -> None:
    picture = corner("P")
    picture.save(tmp_path / "a.png", transparency=picture.getpixel((0, 0)))
    image = read_image(tmp_path / "a.png")
    assert image.alpha[0, 0] == 0
    assert set(np.unique(image.alpha)) == {0, 255}


@pytest.mark.parametrize(("mode", "suffix"), [("L", "png"), ("LA", "png"), ("1", "png")])
def test_grey(tmp_path: Path, mode: str, suffix: str) -> None:
    corner(mode).save(tmp_path / f"a.{suffix}")
    rgb = read_image(tmp_path / f"a.{suffix}").rgb
    assert rgb.shape == (30, 40, 3)
    assert (rgb[..., 0] == rgb[..., 2]).all()


def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 40).astype(np.uint16)
    Pictures.fromarray(np.tile(ramp, (30, 1))).save(tmp_path / "a.png")
    rgb = read_image(tmp_path / "a.png").rgb
    assert np.abs(rgb[0, :, 0] - ramp / 257).max() <= 0.5


def test_cmyk(tmp_path: Path) -> None:
    corner("CMYK").save(tmp_path / "a.jpg", quality=95)
    image = read_image(tmp_path / "a.jpg")
    assert image.rgb[-1, -1, 0] > 150
    assert "CMYK without a profile" in image.notes[0]


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    corner().save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_image(tmp_path / "a.png").rgb, np.asarray(corner()))


def test_unusable_profile_is_noted(tmp_path: Path) -> None:
    corner("CMYK").save(tmp_path / "a.jpg", icc_profile=b"no profile at all", quality=95)
    assert "unusable colour profile" in read_image(tmp_path / "a.jpg").notes[0]


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_animation_gives_its_first_frame_and_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    later = Pictures.new("RGB", (40, 30), "green")
    corner().save(path, save_all=True, append_images=[later], duration=100)
    image = read_image(path)
    assert image.rgb[0, 0, 2] > 150
    assert "animated, its first frame is used" in image.notes[0]


def test_very_large_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pictures.new("L", (12000, 9000), 77).save(path, compress_level=1)
    image = read_image(path)
    assert image.rgb.shape == (9000, 12000, 3)
    assert limited(image, 1200).rgb.shape == (900, 1200, 3)


def test_absurd_size_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    path = tmp_path / "a.png"
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(BadInput, match=r"a\.png: too large a picture"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tiff"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    Pictures.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput, match=rf"a\.{suffix}: (damaged|not a) picture") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_text_called_jpg(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("This is no picture.")
    with pytest.raises(BadInput, match=r"a\.jpg: not a picture"):
        read_image(path)


def test_limited_leaves_small_pictures_alone(astronaut: np.ndarray, tmp_path: Path) -> None:
    Pictures.fromarray(astronaut).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert np.array_equal(image.rgb, astronaut)
    assert limited(image, 512) is image
