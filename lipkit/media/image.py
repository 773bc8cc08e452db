"""Pictures: upright, as RGB, with what had to be decided on the way."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, ImageCms, ImageOps, UnidentifiedImageError
from PIL import Image as Pictures

from lipkit.errors import BadInput
from lipkit.media.source import check_source


@dataclass(frozen=True)
class Image:
    """A picture ``rgb (h, w, 3)`` uint8, its ``alpha (h, w)`` uint8 if any, notes for the user."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    notes: tuple[str, ...] = ()


def read_image(path: Path) -> Image:
    """The picture in ``path``, turned upright by its EXIF tag; of an animation the first frame.

    BadInput for a file that is no picture, breaks off, or claims over 178 million pixels, which
    is refused before memory is taken.
    """
    check_source(path)
    with _refusing(path), Pictures.open(path) as picture:
        notes = []
        if getattr(picture, "n_frames", 1) > 1:
            notes.append(f"{path}: animated, its first frame is used")
        profile = picture.info.get("icc_profile")
        ImageOps.exif_transpose(picture, in_place=True)
        alpha = _alpha(picture)
        rgb, note = _rgb(picture, profile)
        if note:
            notes.append(f"{path}: {note}")
        return Image(_array(rgb), alpha, tuple(notes))


def probe_image(path: Path) -> dict[str, Any]:
    """Format, size as shown, colour model and frame count of a picture that is not yet loaded."""
    check_source(path)
    with _refusing(path), Pictures.open(path) as picture:
        turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        width, height = picture.size[::-1] if turned else picture.size
        return {
            "format": picture.format,
            "width": width,
            "height": height,
            "mode": picture.mode,
            "frames": getattr(picture, "n_frames", 1),
        }


def limited(image: Image, side: int) -> Image:
    """The picture with its longer side at most ``side`` pixels; itself where it fits."""
    height, width = image.rgb.shape[:2]
    if max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))

    def shrink(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.array(Pictures.fromarray(values).resize(size, Pictures.Resampling.LANCZOS))

    alpha = None if image.alpha is None else shrink(image.alpha)
    return Image(shrink(image.rgb), alpha, image.notes)


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what Pillow raises for unusable files into BadInput."""
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 million pixels and refuses from 178: large photos are welcome.
            warnings.simplefilter("ignore", Pictures.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # remarks on odd metadata
            yield
    except UnidentifiedImageError:
        raise BadInput(f"{path}: not a picture", hint="give a PNG, JPEG, WebP or TIFF") from None
    except Pictures.DecompressionBombError as error:
        raise BadInput(f"{path}: too large a picture: {error}", hint="scale it down") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise BadInput(f"{path}: damaged picture: {error}") from error


def _alpha(picture: Pictures.Image) -> NDArray[np.uint8] | None:
    """Opacity, None where the picture is opaque everywhere."""
    if picture.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in picture.info:
        alpha = np.array(picture.convert("RGBA").getchannel("A"))
        return alpha if alpha.min() < 255 else None
    return None


def _rgb(picture: Pictures.Image, profile: bytes | None) -> tuple[Pictures.Image, str | None]:
    """The picture as 8-bit RGB, and a note where its colours could only be guessed."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _narrow(picture), None
    if picture.mode in ("CMYK", "RGB") and profile:
        try:
            return _managed(picture, profile), None
        except (ImageCms.PyCMSError, OSError):
            return picture.convert("RGB"), "unusable colour profile, colours are approximate"
    if picture.mode == "CMYK":
        return picture.convert("RGB"), "CMYK without a profile, colours are approximate"
    if picture.mode in ("LA", "PA", "P", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    # Converting to the same mode would copy a large photo for nothing.
    return picture if picture.mode == "RGB" else picture.convert("RGB"), None


def _managed(picture: Pictures.Image, profile: bytes) -> Pictures.Image:
    """The picture in sRGB; itself where its profile says that it is."""
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if picture.mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(own):
        return picture
    converted = ImageCms.profileToProfile(
        picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert converted is not None
    return converted


def _array(rgb: Pictures.Image) -> NDArray[np.uint8]:
    """The pixels ``(h, w, 3)``, copied in bands: at once would hold a large photo three times."""
    out = np.empty((rgb.height, rgb.width, 3), np.uint8)
    for top in range(0, rgb.height, 256):
        bottom = min(top + 256, rgb.height)
        out[top:bottom] = np.asarray(rgb.crop((0, top, rgb.width, bottom)))
    return out


def _narrow(picture: Pictures.Image) -> Pictures.Image:
    """A picture of 16-bit or floating grey as 8 bit, over its format's full range."""
    values = np.asarray(picture)
    if picture.mode == "F":
        grey = np.clip(values, 0, 1) * 255 if values.max() <= 1 else np.clip(values, 0, 255)
    else:
        grey = np.clip(values, 0, 65535) / 257
    return Pictures.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
