"""Shards: clips packed into tar files as WebDataset lays them out, read in any order.

A member ``KEY.mkv`` is a clip; members with the same key belong to it. Names inside an archive
serve to tell members apart and are never used as paths.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lipkit.errors import BadInput
from lipkit.media.target import open_target

SUFFIX = ".mkv"
UNPACKED = 32  # clips that lie unpacked at a time


@dataclass(frozen=True)
class Member:
    """A clip inside a shard: its key, and where its bytes are."""

    shard: Path
    key: str
    offset: int
    size: int


def write_shard(path: Path, samples: Iterable[tuple[str, Mapping[str, Path | bytes]]]) -> int:
    """Pack samples ``(key, {suffix: file or bytes})``; returns how many.

    The bytes of the shard depend on those of the samples alone.
    """
    count = 0
    with open_target(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
        for key, files in samples:
            count += 1
            for suffix, content in files.items():
                _add(tar, f"{key}{suffix}", content)
    return count


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    if isinstance(content, bytes):
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
        return
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(entry, file)


def index(path: Path) -> list[Member]:
    """The clips of a shard, in its order; BadInput if it is no tar file or holds none."""
    try:
        with tarfile.open(path, "r:") as tar:
            members = [
                Member(path, entry.name.removesuffix(SUFFIX), entry.offset_data, entry.size)
                for entry in tar
                if entry.isfile() and entry.name.endswith(SUFFIX)
            ]
    except (tarfile.TarError, OSError) as problem:
        raise BadInput(f"{path}: no shard: {problem}") from None
    if not members:
        raise BadInput(f"{path}: a shard without clips", hint="its members must be clips, *.mkv")
    return members


class Unpacker:
    """Gives members of shards as files, the last few of which stay.

    Forked processes share the folder, which the first one removes at its end, but no file in it.
    """

    def __init__(self, most: int = UNPACKED) -> None:
        self.most = most
        self.folder = Path(tempfile.mkdtemp(prefix="lipkit-"))
        self.files: dict[int, OrderedDict[Member, Path]] = {}
        self.count = 0
        weakref.finalize(self, _remove, self.folder, os.getpid())

    def path(self, member: Member) -> Path:
        """A file with the bytes of a member; it may go once ``most`` others were asked for."""
        files = self.files.setdefault(os.getpid(), OrderedDict())
        if member in files:
            files.move_to_end(member)
            return files[member]
        target = self.folder / f"{os.getpid()}-{self.count:08d}{SUFFIX}"
        self.count += 1
        with member.shard.open("rb") as shard, target.open("wb") as file:
            shard.seek(member.offset)
            _copy(shard, file, member)
        files[member] = target
        if len(files) > self.most:
            files.popitem(last=False)[1].unlink(missing_ok=True)
        return target


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(shard: IO[bytes], file: IO[bytes], member: Member) -> None:
    shutil.copyfileobj(_Part(shard, member.size), file, 1 << 20)
    if file.tell() != member.size:
        raise BadInput(f"{member.shard}: breaks off in {member.key}")


class _Part(io.RawIOBase):
    """The next bytes of a file, as a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(data)
        return data
