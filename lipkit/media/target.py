"""Where output goes: a temporary name beside the target, renamed once it is whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipkit.errors import LipkitError


@contextmanager
def open_target(path: Path) -> Iterator[Path]:
    """A new file's name in the folder of ``path``, renamed to ``path`` when the block succeeds.

    Whatever ends the block early removes the temporary file and leaves ``path`` as it was.
    LipkitError names a folder that is missing or cannot be written.
    """
    folder = path.parent
    # Not derived from the target's name: that may already have the longest length allowed.
    part = folder / f".lipkit-{secrets.token_hex(8)}.part"
    if path.is_dir():
        raise LipkitError(f"{path}: is a folder", hint="name a file in it")
    try:
        # 0o666: the finished file gets the permissions that any new file of the user's would.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileNotFoundError:
        raise LipkitError(f"{path}: no folder {folder}", hint="create it first") from None
    except OSError as error:
        raise LipkitError(
            f"{path}: cannot write into {folder}: {error.strerror}", hint="choose another -o"
        ) from error
    try:
        yield part
        _sync(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring the file to the disk before its name appears: a crash must not leave it empty."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
