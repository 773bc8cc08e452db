"""Work that outlives an interruption: tracked faces and edited regions under a settings hash.

A journal holds the changed part of every edited frame, losslessly, one file a chunk. It is applied
to frames decoded anew, so that the encoder sees the same frames as in an unbroken run and makes the
same file of them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit import __version__
from lipkit.artifacts.tensors import read_tensors, write_tensors
from lipkit.errors import BadInput, LipkitError
from lipkit.faces.geometry import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Pixels

LEVEL = 1  # of zlib: photographs do not get smaller by trying harder


def settings_hash(settings: Mapping[str, Any]) -> str:
    """A name for everything that a result depends on, this version of lipkit included."""
    text = json.dumps({**settings, "lipkit": __version__}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


@dataclass(frozen=True)
class WorkFolder:
    """A folder of finished work; whatever lies in it under its hash can be used again."""

    path: Path

    def make(self) -> None:
        """Create it where it is missing."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise LipkitError(f"--work-dir {self.path}: {problem.strerror}") from None

    def geometry(self, key: str) -> Geometry | None:
        """The tracked face kept under ``key``; None where there is none, or a broken one."""
        path = self.path / f"faces-{key}.safetensors"
        if not path.is_file():
            return None
        try:
            return Geometry.from_tensors(*read_tensors(path, "geometry"))
        except BadInput:
            return None

    def keep_geometry(self, key: str, geometry: Geometry) -> None:
        """Keep a tracked face under ``key``."""
        self.make()
        write_tensors(self.path / f"faces-{key}.safetensors", "geometry", *geometry.to_tensors())

    def journal(self, key: str) -> Journal:
        """The journal of edited frames under ``key``."""
        return Journal(self.path / f"edits-{key}")


class Journal:
    """Edited regions, one file for each chunk of output frames, named after its first frame."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = frozenset(folder.glob("*.safetensors")) if folder.is_dir() else frozenset()

    def __contains__(self, first: int) -> bool:
        return self._file(first) in self.kept

    def _file(self, first: int) -> Path:
        return self.folder / f"{first:08d}.safetensors"

    def keep(self, first: int, frames: Pixels, made: Pixels) -> None:
        """Keep what the edit changed in the chunk that begins with output frame ``first``."""
        boxes = np.array([changed(a, b) for a, b in zip(frames, made, strict=True)], np.int32)
        parts = [
            made[k, y0:y1, x0:x1].tobytes() for k, (x0, y0, x1, y1) in enumerate(boxes.tolist())
        ]
        packed = np.frombuffer(zlib.compress(b"".join(parts), LEVEL), np.uint8)
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, NDArray[Any]] = {"boxes": boxes, "pixels": packed}
        write_tensors(
            self._file(first), "edits", tensors, {"first": first, "type": str(made.dtype)}
        )

    def apply(self, first: int, frames: Pixels) -> Pixels:
        """The chunk's frames with the kept regions in their places."""
        path = self._file(first)
        tensors, header = read_tensors(path, "edits")
        boxes, made = tensors["boxes"], frames.copy()
        if len(boxes) != len(frames) or header["type"] != str(frames.dtype):
            raise BadInput(f"{path}: of another video", hint="remove it and run again")
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) * frames.shape[3]
        # No more than declared is unpacked, whatever the file holds.
        room = int(areas.sum()) * frames.dtype.itemsize
        data = zlib.decompressobj().decompress(tensors["pixels"].tobytes(), max(room, 1))
        pixels, at = np.frombuffer(data, frames.dtype), 0
        for frame, (x0, y0, x1, y1), area in zip(made, boxes.tolist(), areas.tolist(), strict=True):
            frame[y0:y1, x0:x1] = pixels[at : at + area].reshape(y1 - y0, x1 - x0, frames.shape[3])
            at += area
        return made


def changed(frames: Pixels, made: Pixels) -> tuple[int, int, int, int]:
    """The box x0 y0 x1 y1, ends excluded, in which two frames ``(h, w, c)`` differ."""
    other = (frames != made).reshape(len(frames), -1)
    down = np.flatnonzero(other.any(1))
    if not len(down):
        return 0, 0, 0, 0
    across = np.flatnonzero(other[down[0] : down[-1] + 1].any(0)) // frames.shape[2]
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
