"""Where input comes from: a file that exists, or standard input spooled into one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipkit.errors import BadInput, BadUsage, LipkitError

STDIN = "-"


@contextmanager
def open_source(name: str) -> Iterator[Path]:
    """The file ``name``, checked; ``-`` spools standard input into a private temporary file.

    Raises BadInput for a missing, unreadable or empty file and for a folder; BadUsage when
    standard input is a terminal.
    """
    if name != STDIN:
        yield check_source(Path(name))
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise BadUsage("standard input is a terminal", hint="pipe a file into it or name one")
    with tempfile.TemporaryDirectory(prefix="lipkit-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as spool:
            shutil.copyfileobj(sys.stdin.buffer, spool, 1 << 20)
        if path.stat().st_size == 0:
            raise BadInput("standard input: empty")
        try:
            yield path
        except LipkitError as error:  # the spool's name would tell nobody anything
            error.message = error.message.replace(str(path), "standard input")
            raise


def check_source(path: Path) -> Path:
    """``path`` if it is a readable file that holds something; BadInput otherwise."""
    try:
        if path.is_dir():
            raise BadInput(f"{path}: is a folder, not a file")
        with path.open("rb") as file:
            if not file.read(1):
                raise BadInput(f"{path}: empty file")
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BadInput(f"{path}: {reason}") from error
    return path
