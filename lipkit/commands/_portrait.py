"""The picture that is to talk: read, reduced, and one of its faces chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lipkit import ui
from lipkit.commands import _options
from lipkit.commands._faces import is_place, likeness_of, still_tracker
from lipkit.errors import BadInput, LipkitError

if TYPE_CHECKING:
    from lipkit.media.image import Image
    from lipkit.protocols import Appearance, Face, FaceCodec

options: _options.Decorator = _options.chain(
    click.option("--codec", help="Face codec that draws; by default, the one the motion is for."),
    click.option(
        "--face",
        default="largest",
        show_default=True,
        help="Which face: largest, center, left, right, a number from the left, or a picture.",
    ),
    click.option(
        "--max-side",
        type=click.IntRange(min=64),
        default=1920,
        show_default=True,
        help="Reduce larger pictures to this many pixels.",
    ),
    click.option(
        "--audio", metavar="FILE", help="Soundtrack of the video, instead of the input's own."
    ),
)


@dataclass(frozen=True)
class Portrait:
    """A picture, the face in it that is meant, and what a codec makes of that."""

    image: Image
    face: Face
    appearance: Appearance

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        height, width = self.image.rgb.shape[:2]
        return width, height


@contextmanager
def about(name: str) -> Iterator[None]:
    """Put the file's name before a complaint that does not know it."""
    try:
        yield
    except LipkitError as problem:
        if name not in problem.message:
            problem.message = f"{name}: {problem.message}"
        raise


def open_appearance(
    codec: FaceCodec, path: Path, name: str, choice: str, max_side: int
) -> Portrait:
    """The portrait in ``path``, called ``name`` in messages, taken apart by ``codec``.

    ``choice`` of face is ``largest``, ``center``, ``left``, ``right`` or a number from the left.
    """
    with about(name):
        image = read_portrait(path, name, max_side)
        face = find_face(image, name, choice)
        return Portrait(image, face, codec.encode_appearance(image.rgb, image.alpha, face))


def read_portrait(path: Path, name: str, max_side: int) -> Image:
    """The picture in ``path``, at most ``max_side`` pixels wide and high."""
    from lipkit.media.image import limited

    image = read_picture(path, name)
    for note in image.notes:
        ui.warn(note)
    small = limited(image, max_side)
    if small is not image:
        (h, w), (to_h, to_w) = image.rgb.shape[:2], small.rgb.shape[:2]
        ui.say(f"{name}: reduced from {w}x{h} to {to_w}x{to_h}; --max-side sets the limit")
    return small


def read_picture(path: Path, name: str) -> Image:
    """The picture in a file of any kind that shows one."""
    from lipkit.artifacts.sniff import Kind, sniff
    from lipkit.media.image import Image, read_image
    from lipkit.media.video import read_frames

    kind = sniff(path)
    if kind in (Kind.VIDEO, Kind.CLIP):
        frame = next(iter(read_frames(path, chunk=1)))[0]
        return Image(frame, None, (f"{name}: a video, its first frame is used",))
    if kind not in (Kind.IMAGE, Kind.UNKNOWN):
        raise BadInput(f"{name}: {kind}, not a picture", hint="give a photograph of a face")
    return read_image(path)


def find_face(image: Image, name: str, choice: str) -> Face:
    """The chosen face of a picture."""
    from lipkit.faces.tracks import Seen, Track, rank

    faces = still_tracker().detect(image.rgb[None])[0]
    if not faces:
        raise BadInput(f"{name}: no face found", hint="use a picture of a face from the front")
    like = None if is_place(choice) else likeness_of(choice)
    seen = [Seen(face, like(image.rgb, face)) if like else Seen(face) for face in faces]
    height, width = image.rgb.shape[:2]
    tracks = [Track([0], [one]) for one in seen]
    ranked = rank(tracks, "like" if like else choice, (width, height))
    if not ranked:
        raise BadInput(f"{name}: --face {choice}, but only {len(faces)} found")
    if len(faces) > 1:
        ui.say(f"{name}: {len(faces)} faces, the one taken is --face {choice}")
    return ranked[0].seen[0].face
