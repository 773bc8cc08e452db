"""Latents files: what a model drew, before an autoencoder makes pictures of it.

Beside the latents ``(n, c, h, w)`` lie the geometry of the faces that they belong to, any tensors
more that the model's family names, and the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from lipkit.artifacts.rows import Rows, open_rows_writer, read_around
from lipkit.errors import BadInput, WeightsError
from lipkit.faces.geometry import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

KIND = "latents"
LONG = "latents"  # the tensor that may be long
GEOMETRY = "geometry."  # begins the names of the geometry's tensors
SOUND = "sound"
# Of a video's new faces, of a portrait's crop, or of faces as they came, which are still to speak.
Content = Literal["faces", "portrait", "seen"]


@dataclass(frozen=True)
class Coder:
    """An autoencoder: its name in the store, or "" for a model's own, and digest of its weights.

    ``scale`` is what its latents were multiplied by.
    """

    name: str
    scale: float
    digest: str


@dataclass(frozen=True)
class Latents:
    """Everything about latents but themselves.

    ``geometry`` has a row for each frame of the source, or one for a picture, and the source's
    digest. ``frames`` is how many frames the result has. ``model`` says whose they are: family,
    name and settings. ``tensors`` and ``facts`` are the family's or verb's own, by name.
    """

    content: Content
    coder: Coder
    model: Mapping[str, Any]
    fps: Fraction  # of the model's clock
    frames: int
    geometry: Geometry
    tensors: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    sound: bytes | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def open_latents_writer(
    path: Path | None, latents: Latents, shape: tuple[int, ...]
) -> Iterator[Callable[[Array], None]]:
    """A function that appends latents ``(r, c, h, w)`` to a new file of ``shape (n, c, h, w)``.

    None is standard output. Nothing of the latents stays in memory.
    """
    rows, about = latents.geometry.to_tensors()
    tensors = {**latents.tensors, **{GEOMETRY + name: rows[name] for name in rows}}
    if latents.sound is not None:
        tensors[SOUND] = np.frombuffer(latents.sound, np.uint8)
    header = {
        "content": latents.content,
        "vae": vars(latents.coder),
        "model": dict(latents.model),
        "fps": str(latents.fps),
        "frames": latents.frames,
        "source": latents.geometry.source,
        "geometry": about,
        "facts": dict(latents.facts),
        "provenance": dict(latents.provenance),
    }
    with open_rows_writer(path, KIND, LONG, shape, tensors, header) as append:
        yield append


def read_latents(path: Path) -> tuple[Rows, Latents]:
    """The latents in a file, still unread, and what belongs to them; BadInput for other files."""
    rows, tensors, header = read_around(path, KIND, LONG)
    own = {name: tensors.pop(GEOMETRY + name) for name in geometry_names(tensors)}
    sound = tensors.pop(SOUND, None)
    try:
        latents = Latents(
            content=header["content"],
            coder=Coder(**header["vae"]),
            model=dict(header["model"]),
            fps=Fraction(header["fps"]),
            frames=int(header["frames"]),
            geometry=Geometry.from_tensors(own, header["geometry"]),
            tensors=tensors,
            facts=dict(header["facts"]),
            sound=None if sound is None else sound.tobytes(),
            provenance=header.get("provenance", {}),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise BadInput(f"{path}: damaged latents header: {problem}") from None
    if latents.content not in get_args(Content) or len(rows.shape) != 4:
        raise BadInput(f"{path}: latents {latents.content!r} of shape {rows.shape}")
    if latents.fps <= 0 or latents.frames < 1 or not len(latents.geometry):
        raise BadInput(f"{path}: damaged latents: {latents.frames} frames at {latents.fps}")
    return rows, latents


def geometry_names(tensors: Mapping[str, Array]) -> list[str]:
    """The names, in the geometry, of those tensors of a file that are its."""
    return [name.removeprefix(GEOMETRY) for name in tensors if name.startswith(GEOMETRY)]


def require_source(latents: Latents, digest: str, name: str, made: str) -> None:
    """Refuse a source ``name`` other than the one of the latents in the file ``made``."""
    if latents.geometry.source != digest:
        raise BadInput(
            f"{name}: not the file that the latents {made} belong to: its SHA-256 begins with "
            f"{digest[:12]}, theirs with {latents.geometry.source[:12]}",
            hint="give the very video or picture that they were made of",
        )


def require_coder(latents: Latents, coder: Coder, made: str) -> None:
    """Refuse an autoencoder other than the one of the latents in the file ``made``."""
    if coder != latents.coder:
        ours, theirs = (
            f"{one.name or 'of its own'} (scale {one.scale:g}, digest {one.digest[:12]})"
            for one in (coder, latents.coder)
        )
        raise WeightsError(f"{made}: latents of the autoencoder {theirs}, this one is {ours}")
