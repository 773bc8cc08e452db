"""Clips made by ``lipkit align`` as training data, in a folder or packed into shards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipkit.artifacts.clip import Clip, read_clip
from lipkit.artifacts.shards import SUFFIX, Unpacker, index
from lipkit.errors import BadInput
from lipkit.faces.geometry import Geometry
from lipkit.media.audio import read_wave
from lipkit.media.video import read_frames

KEPT = 64  # clips whose sound and geometry stay in memory
ONE_IN = 16  # share of the people, or clips, that is held out


class ClipFootage:
    """One clip as ``training.data.Footage``; frames are decoded where they are asked for."""

    def __init__(self, name: str, file: Callable[[], Path]) -> None:
        self.name = name
        self.file = file

    def __len__(self) -> int:
        return self.clip.count

    @cached_property
    def clip(self) -> Clip:
        """The opened clip."""
        return read_clip(self.file())

    @cached_property
    def geometry(self) -> Geometry:
        """Where the crops came from."""
        return Geometry.from_tensors(self.clip.tensors, self.clip.header)

    @property
    def fps(self) -> Fraction:
        """Frames a second."""
        return self.geometry.fps

    @property
    def scheme(self) -> str:
        """The landmark numbering."""
        return self.geometry.scheme

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Frames ``(f,)`` that show the face."""
        return np.asarray(self.geometry.valid)

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Landmarks ``(f, k, 2|3)`` in pixels of the crops."""
        return np.asarray(self.geometry.crop_points, np.float32)

    @cached_property
    def wave(self) -> NDArray[np.float32]:
        """The sound ``(n,)`` at 16 kHz."""
        return read_wave(self.file())

    @property
    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Nothing is known exactly of real footage."""
        return {}

    def pictures(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Frames ``start`` to ``stop`` (excluded) as ``(f, h, w, 3)``."""
        times = self.geometry.times
        end = times[stop] if stop < len(times) else None
        chunks = list(read_frames(self.file(), start=times[start], end=end, chunk=stop - start))
        found = sum(len(chunk) for chunk in chunks)
        if found != stop - start:
            raise BadInput(f"{self.name}: {found} frames where {stop - start} should be")
        return np.concatenate(chunks)


class Footages(Sequence[ClipFootage]):
    """Clips by number; the last few opened ones stay open."""

    def __init__(self, clips: Sequence[tuple[str, Callable[[], Path]]]) -> None:
        self.clips = clips
        self.open = lru_cache(KEPT)(lambda k: ClipFootage(*clips[k]))

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, place: Any) -> Any:
        """The clip at a place, or a list of those of a slice."""
        if isinstance(place, slice):
            return [self[k] for k in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self.open(place % len(self))


class Clips:
    """Clips as training data; some are held out, by the names of their people."""

    def __init__(self, name: str, clips: Iterable[tuple[str, str, Callable[[], Path]]]) -> None:
        """``clips`` are name, person and file of each."""
        known = list(clips)
        chosen = held_out([person for _, person, _ in known])
        self.name = name
        self.training = Footages([(n, f) for n, person, f in known if person not in chosen])
        self.held_out = Footages([(n, f) for n, person, f in known if person in chosen])

    @staticmethod
    def here(folder: Path) -> bool:
        """Whether a folder holds any."""
        return any(next(folder.rglob(kind), None) for kind in ("*.tar", "*.mkv"))

    @classmethod
    def of_folder(cls, folder: Path) -> Clips:
        """The shards in a folder, or else its clips; BadInput if it has neither."""
        if shards := sorted(folder.rglob("*.tar")):
            return cls.of_shards(shards)
        if files := sorted(folder.rglob("*.mkv")):
            return cls.of_files(files, folder)
        raise BadInput(f"{folder}: no clips here", hint="make some by lipkit align")

    @classmethod
    def of_one(cls, path: Path) -> Clips:
        """One clip, of which nothing is held out: what is learned is that person alone."""
        made = cls(path.name, [])
        made.training = made.held_out = Footages([(path.name, lambda: path)])
        return made

    @classmethod
    def of_files(cls, files: Sequence[Path], folder: Path) -> Clips:
        """Clips in a folder; those that share a folder in it are of one person."""
        rows = []
        for path in files:
            place = path.relative_to(folder)
            person = str(place.parent) if len(place.parts) > 1 else place.stem
            rows.append((str(place), person, lambda path=path: path))
        return cls(folder.name, rows)

    @classmethod
    def of_shards(cls, shards: Sequence[Path]) -> Clips:
        """Clips in shards; keys up to the last slash, or else whole ones, name people."""
        unpacker = Unpacker()
        rows = []
        for shard in shards:
            for member in index(shard):
                person = member.key.rpartition("/")[0] or member.key

                def file(member: Any = member) -> Path:
                    return unpacker.path(member)

                rows.append((f"{shard.name}:{member.key}{SUFFIX}", person, file))
        return cls(shards[0].name, rows)


def held_out(people: Sequence[str]) -> set[str]:
    """Whom to hold out: one in sixteen by the digests of their names, and one person at least.

    It depends on names alone, so more footage of the same people changes nothing.
    """
    digests = {name: hashlib.sha256(name.encode()).digest() for name in sorted(set(people))}
    chosen = {name for name, digest in digests.items() if digest[0] % ONE_IN == 0}
    if not chosen and len(digests) > 1:
        chosen = {min(digests, key=lambda name: digests[name])}
    return chosen
