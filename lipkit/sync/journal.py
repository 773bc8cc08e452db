"""Work that outlives an interruption: tracked faces and edited regions under a settings hash.

A journal holds the changed part of every edited frame, losslessly. It is applied
to frames decoded anew, so that the encoder sees the same frames as in an unbroken run and makes the
same file of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lipkit import __version__
from lipkit.artifacts.tensors import read_header, read_tensors, write_tensors
from lipkit.errors import BadInput, LipkitError
from lipkit.faces.geometry import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lipkit.protocols import Pixels

PIECE = 50  # frames a file
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

    def clear(self) -> None:
        """Remove what was kept, and the folder unless something else lies in it."""
        for kept in [*self.path.glob("faces-*.safetensors"), *self.path.glob("edits-*/*")]:
            kept.unlink(missing_ok=True)
        for folder in [*self.path.glob("edits-*"), self.path]:
            with contextlib.suppress(OSError):
                folder.rmdir()

    def journal(self, key: str) -> Journal:
        """The journal of edited frames under ``key``."""
        return Journal(self.path / f"edits-{key}")


class Journal:
    """Edited regions of output frames, a few seconds of them a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
        self._files = [(int(first), path) for path in names if (first := path.stem).isdigit()]
        self._ends = [first + _frames_in(path) for first, path in self._files]
        self._begun = 0
        self._boxes: list[tuple[int, int, int, int]] = []
        self._packed: list[bytes] = []
        self._kind = ""

    def holds(self, first: int, end: int) -> bool:
        """Whether output frames ``first`` until before ``end`` were kept by an earlier run."""
        place = self._place(first)
        return place >= 0 and end <= self._ends[place]

    def _place(self, first: int) -> int:
        return bisect_right(self._files, first, key=lambda file: file[0]) - 1

    def keep(self, first: int, frames: Pixels, made: Pixels) -> None:
        """Take down what the edit changed in the output frames from ``first`` on, in order."""
        if not self._boxes:
            self._begun = first
        self._kind = str(made.dtype)
        for before, after in zip(frames, made, strict=True):
            box = x0, y0, x1, y1 = changed(before, after)
            self._boxes.append(box)
            self._packed.append(zlib.compress(after[y0:y1, x0:x1].tobytes(), LEVEL))
        if len(self._boxes) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Write down what was taken down since the last file."""
        if not self._boxes:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, NDArray[Any]] = {
            "boxes": np.array(self._boxes, np.int32),
            "ends": np.cumsum([len(part) for part in self._packed], dtype=np.int64),
            "pixels": np.frombuffer(b"".join(self._packed), np.uint8),
        }
        path = self.folder / f"{self._begun:08d}.safetensors"
        write_tensors(path, "edits", tensors, {"frames": len(self._boxes), "type": self._kind})
        self._boxes, self._packed = [], []

    def apply(self, first: int, frames: Pixels) -> Pixels:
        """The output frames from ``first`` on with the kept regions in their places."""
        begun, path = self._files[self._place(first)]
        tensors, header = _read(path)
        if header["type"] != str(frames.dtype):
            raise BadInput(f"{path}: of another video", hint="remove it and run again")
        made = frames.copy()
        ends = [0, *tensors["ends"].tolist()]
        for frame, k in zip(made, range(first - begun, len(ends) - 1), strict=False):
            x0, y0, x1, y1 = tensors["boxes"][k].tolist()
            packed = tensors["pixels"][ends[k] : ends[k + 1]].tobytes()
            region = frame[y0:y1, x0:x1]
            # No more than fits is unpacked, whatever the file holds.
            data = zlib.decompressobj().decompress(packed, max(region.nbytes, 1))
            region[:] = np.frombuffer(data, frames.dtype).reshape(region.shape)
        return made


@lru_cache(maxsize=2)
def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """A file of a journal; chunk after chunk asks for the same one."""
    return read_tensors(path, "edits")


def _frames_in(path: Path) -> int:
    """How many frames a file of a journal holds; none if it is damaged."""
    try:
        return int(read_header(path, "edits")["frames"])
    except BadInput:
        return 0


def changed(frames: Pixels, made: Pixels) -> tuple[int, int, int, int]:
    """The box x0 y0 x1 y1, ends excluded, in which two frames ``(h, w, c)`` differ."""
    other = (frames != made).reshape(len(frames), -1)
    down = np.flatnonzero(other.any(1))
    if not len(down):
        return 0, 0, 0, 0
    across = np.flatnonzero(other[down[0] : down[-1] + 1].any(0)) // frames.shape[2]
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
